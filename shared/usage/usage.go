// Package usage counts every call exactly once, before it runs, decides rate
// limit and quota with the same write, and keeps the entries that bills and
// reports are made of.
package usage

// Meter counts calls.
type Meter struct{}
