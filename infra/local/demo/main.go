// Command demo fills a running server with a demo organisation through the
// public API alone: make demo.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/appmint/appengine/infra/local/client"
)

const password = "demo books 2026"

func main() {
	url := flag.String("url", "http://localhost:8787", "the running server")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := fill(ctx, client.New(*url)); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func fill(ctx context.Context, c *client.Client) error {
	email := fmt.Sprintf("ann-%d@demo.example", time.Now().Unix())
	if err := c.SignUp(ctx, fmt.Sprintf("Demo Books %d", time.Now().Unix()), email, password); err != nil {
		return err
	}
	for _, step := range []func(context.Context, *client.Client) error{collections, books, customers} {
		if err := step(ctx, c); err != nil {
			return err
		}
	}
	key, err := apiKey(ctx, c)
	if err != nil {
		return err
	}
	fmt.Printf("organisation %s\nsign in      %s / %s\nAPI key      %s (read)\n\ntry\n  curl -s -H 'orgid: %s' -H 'x-api-key: %s' '%s/repository/find/book?ps=3'\n", c.Org, email, password, key, c.Org, key, c.URL)
	return nil
}

type object = map[string]any

func create(ctx context.Context, c *client.Client, datatype string, data object) error {
	return c.Do(ctx, http.MethodPut, "/repository/create", object{"datatype": datatype, "isNew": true, "data": data}, nil)
}

func collections(ctx context.Context, c *client.Client) error {
	text := object{"type": "string"}
	return create(ctx, c, "collection", object{
		"name": "book", "title": "Books", "schema": object{
			"type": "object", "required": []string{"title"},
			"properties": object{
				"title": text, "isbn": object{"type": "string", "unique": true},
				"author": object{"type": "string", "indexed": true}, "year": object{"type": "integer"},
			},
		},
	})
}

func books(ctx context.Context, c *client.Client) error {
	shelf := []struct {
		title, author, isbn string
		year                int
	}{
		{"Pride and Prejudice", "Jane Austen", "9780141439518", 1813},
		{"Emma", "Jane Austen", "9780141439587", 1815},
		{"Frankenstein", "Mary Shelley", "9780141439471", 1818},
		{"Moby-Dick", "Herman Melville", "9780142437247", 1851},
		{"Middlemarch", "George Eliot", "9780141439549", 1871},
		{"Dracula", "Bram Stoker", "9780141439846", 1897},
		{"The Time Machine", "H. G. Wells", "9780141439976", 1895},
		{"Walden", "Henry David Thoreau", "9780691096124", 1854},
	}
	for _, b := range shelf {
		if err := create(ctx, c, "book", object{"title": b.title, "author": b.author, "isbn": b.isbn, "year": b.year}); err != nil {
			return err
		}
	}
	return nil
}

func customers(ctx context.Context, c *client.Client) error {
	for _, name := range []string{"Cleo", "Dara", "Eike", "Femi"} {
		body := object{"email": name + "@customers.example", "firstName": name, "lastName": "Reader"}
		if err := c.Do(ctx, http.MethodPost, "/profile/customer/signup", body, nil); err != nil {
			return err
		}
	}
	return nil
}

func apiKey(ctx context.Context, c *client.Client) (string, error) {
	var made struct {
		Key string `json:"key"`
	}
	err := c.Do(ctx, http.MethodPost, "/api-key/create", object{"name": "demo reader", "scopes": []string{"read"}}, &made)
	return made.Key, err
}
