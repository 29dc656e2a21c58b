package users

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// place is where the links of an org's mails lead, and what the org calls
// itself.
type place struct {
	id   org.ID
	name string
	api  string // base of this service
	site string // base of the org's site, or else of this service
	// hosts are those that belong to the org: a link never leads elsewhere,
	// whatever a caller says.
	hosts []string
}

// companySite is what the company record says about the org's site.
type companySite struct {
	DisplayName string `json:"displayName"`
	Website     string `json:"website"`
	Profile     struct {
		Website string `json:"website"`
	} `json:"businessProfile"`
}

// placeOf reads the place. Of a host that the caller names, nothing is taken
// over unless it is the host of the org's website.
func (s *service) placeOf(ctx context.Context, id org.ID, host string) (place, error) {
	w := place{id: id, name: string(id), api: s.deps.Settings.PublicURL, site: s.deps.Settings.PublicURL}
	rec, err := repository.Lookup[companySite](ctx, s.deps.Records.Tenant(id), account.Companies, "name", string(id))
	if errors.Is(err, table.ErrNotFound) {
		return w, nil
	}
	if err != nil {
		return w, err
	}
	if rec.Data.DisplayName != "" {
		w.name = oneLine(rec.Data.DisplayName)
	}
	for _, text := range []string{rec.Data.Website, rec.Data.Profile.Website} {
		base, name, ok := siteOf(text)
		if !ok {
			continue
		}
		if len(w.hosts) == 0 || strings.EqualFold(name, host) {
			w.site = base
		}
		w.hosts = append(w.hosts, name)
	}
	return w, nil
}

// siteOf returns the base and the host of a website as people write it.
func siteOf(text string) (base, host string, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", "", false
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", "", false
	}
	return u.Scheme + "://" + u.Host, strings.ToLower(u.Host), true
}

// allowed is where a caller may ask to be sent: a path of the org's site, or an
// address on one of its hosts; "" for anything else.
func (w place) allowed(redirect string) string {
	u, err := url.Parse(redirect)
	if redirect == "" || err != nil || strings.ContainsAny(redirect, "\\\r\n\t ") || u.User != nil {
		return ""
	}
	if u.Host == "" && u.Scheme == "" && strings.HasPrefix(redirect, "/") && !strings.HasPrefix(redirect, "//") {
		return w.site + redirect
	}
	if (u.Scheme == "https" || u.Scheme == "http") && slices.Contains(w.hosts, strings.ToLower(u.Host)) {
		return redirect
	}
	return ""
}

// link leads to the page that takes the token: the one asked for, or else path
// on the org's site.
func (w place) link(path string, kind auth.Kind, token, redirect string) string {
	page := redirect
	if page == "" {
		page = w.site + path
	}
	u, err := url.Parse(page)
	if err != nil {
		return page
	}
	query := u.Query()
	query.Set("token", token)
	query.Set("orgid", string(w.id))
	query.Set("type", string(kind))
	u.RawQuery = query.Encode()
	return u.String()
}

// verifyLink leads to this service itself, which needs no page.
func (w place) verifyLink(token string) string {
	return w.api + "/profile/verify-email?" + url.Values{"token": {token}, "orgid": {string(w.id)}}.Encode()
}

// oneLine keeps a name from adding lines to a mail's header.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
