package mailbox

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Path is where Handler expects to be mounted, with and without more behind it.
const Path = "/_local/mail"

// defaultLimit is the length of a list when ?limit= is left out.
const defaultLimit = 100

// Handler serves GET Path (newest first; ?to=, ?limit=) and GET Path/{id} as
// JSON, for people and for tests that look for a code in a mail.
func (b *Box) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, b.serveList)
	mux.HandleFunc("GET "+Path+"/{id}", b.serveOne)
	return mux
}

func (b *Box) serveList(w http.ResponseWriter, r *http.Request) {
	limit := defaultLimit
	if text := r.FormValue("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 {
			answer(w, http.StatusBadRequest, map[string]string{"message": "limit wants a positive number"})
			return
		}
	}
	answer(w, http.StatusOK, b.List(r.FormValue("to"), limit))
}

func (b *Box) serveOne(w http.ResponseWriter, r *http.Request) {
	m, ok := b.Get(r.PathValue("id"))
	if !ok {
		answer(w, http.StatusNotFound, map[string]string{"message": "there is no such message"})
		return
	}
	answer(w, http.StatusOK, m)
}

func answer(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, "encode", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that is gone is no fault of ours
}
