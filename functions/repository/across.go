package repository

import (
	"context"
	"strings"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/repository"
)

// acrossOut is the list DTO of an answer from several collections; skipped are
// those that would have taken too much reading.
type acrossOut struct {
	listOut
	Skipped []string `json:"skipped,omitempty"`
}

type relatedIn struct {
	listIn
	recordIn
}

func (s service) related(ctx context.Context, who auth.Principal, in relatedIn) (acrossOut, error) {
	return s.across(in.listIn, func(o repository.ListOptions) (repository.AcrossPage, error) {
		return s.as(who).Related(ctx, in.Datatype, in.ID, o)
	})
}

type searchAllIn struct {
	listIn
	Keyword string `query:"keyword" required:"true"`
}

// searchAll looks for a keyword in everything that the principal may read.
func (s service) searchAll(ctx context.Context, who auth.Principal, in searchAllIn) (acrossOut, error) {
	if strings.TrimSpace(in.Keyword) == "" {
		return acrossOut{}, ErrInput.WithMessage("Say what to look for.")
	}
	return s.across(in.listIn, func(o repository.ListOptions) (repository.AcrossPage, error) {
		return s.as(who).Across(ctx, func(d *collection.Definition) []*filter.Filter {
			return []*filter.Filter{holding(d, in.Keyword)}
		}, o)
	})
}

func (s service) across(in listIn, ask func(repository.ListOptions) (repository.AcrossPage, error)) (acrossOut, error) {
	o, err := in.options()
	if err != nil {
		return acrossOut{}, err
	}
	asked, err := o.checked()
	if err != nil {
		return acrossOut{}, err
	}
	page, err := ask(asked)
	if err != nil {
		return acrossOut{}, err
	}
	list, err := o.answer("", asked, page.DocPage)
	return acrossOut{list, page.Skipped}, err
}
