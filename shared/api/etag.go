package api

import (
	"strconv"
	"strings"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/table"
)

// ErrETag refuses an If-Match that is no ETag of a record.
var ErrETag = fault.New(fault.Invalid, "invalid_etag", "The If-Match header must repeat the ETag of the record.")

// Tagged answers records with an ETag, which names their version.
func Tagged() Option { return func(r *Route) { r.tagged = true } }

// send answers with a result as the row promises.
func (r Route) send(w *writer, out any) error {
	if doc, ok := out.(table.Doc); ok && r.tagged {
		if version := filter.Get(doc, "version"); len(version) > 0 {
			w.Header().Set("ETag", `"`+string(version)+`"`)
		}
	}
	return encode(w, r.Status, out)
}

// VersionOf reads the version that an If-Match header asks for; nil when the
// header is empty or "*", which any version matches.
func VersionOf(ifMatch string) (*int64, error) {
	text := strings.Trim(strings.TrimPrefix(strings.TrimSpace(ifMatch), "W/"), `"`)
	if text == "" || text == "*" {
		return nil, nil //nolint:nilnil // any version will do
	}
	version, err := strconv.ParseInt(text, 10, 64)
	if err != nil || version < 0 {
		return nil, ErrETag
	}
	return &version, nil
}
