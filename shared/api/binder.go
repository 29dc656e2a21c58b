package api

import "reflect"

type binder struct{}

func newBinder(reflect.Type) binder { return binder{} }

// Answer is a response that decides everything itself.
type Answer struct {
	Status      int
	ContentType string
	Header      map[string]string
	Body        []byte
}

// Nothing is an empty 200.
type Nothing struct{}
