package api

import (
	"fmt"
	"reflect"
	"strings"
)

// Markdown prints a module's route table for people and agents that read before
// they call: one section per route with what goes in and what can go wrong.
func Markdown(g Group) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", g.Name, g.Summary)
	b.WriteString("| method | path | access | what it does |\n|---|---|---|---|\n")
	for _, r := range g.Routes {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", r.Method, r.Path, r.Access, r.Summary)
	}
	for _, r := range g.Routes {
		writeRoute(&b, r)
	}
	return b.String()
}

func writeRoute(b *strings.Builder, r Route) {
	lines := inputLines(r)
	if len(lines) == 0 && len(r.Fails) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n", r.Pattern(), r.Summary)
	if len(lines) > 0 {
		b.WriteString("\n" + strings.Join(lines, "\n") + "\n")
	}
	for i, f := range r.Fails {
		if i == 0 {
			b.WriteString("\nFaults of its own:\n\n")
		}
		fmt.Fprintf(b, "- %d `%s`: %s\n", StatusOf(f.Kind), f.Reason, f.Message)
	}
}

func inputLines(r Route) []string {
	var lines []string
	for _, f := range r.binder.fields {
		switch f.source {
		case fromBody:
			lines = append(lines, "- body: "+typeName(f.typ)+tail(f))
		case fromForm: // listed as a JSON member
		default:
			lines = append(lines, fmt.Sprintf("- %s `%s`: %s%s", placeName(f.source), f.name, typeName(f.typ), tail(f)))
		}
	}
	return lines
}

func placeName(s source) string {
	if s == fromJSON {
		return "body"
	}
	return string(s)
}

func tail(f field) string {
	text := ""
	if f.rules.required {
		text += ", required"
	}
	if len(f.rules.enum) > 0 {
		text += ", one of " + strings.Join(f.rules.enum, ", ")
	}
	if f.doc != "" {
		text += "; " + f.doc
	}
	return text
}

func typeName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return "number"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "any JSON"
		}
		return "list of " + typeName(t.Elem())
	default:
		return "object"
	}
}
