package query

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/update"
)

// replaceOne replaces the payload of one record, and the other members that the
// replacement brings; the rest of the envelope stays.
func (s service) replaceOne(ctx context.Context, who auth.Principal, in changeIn) (updateResult, error) {
	c, err := s.replacing(who, in)
	if err != nil {
		return updateResult{}, err
	}
	return s.perform(ctx, who, c, false)
}

func (s service) replacing(who auth.Principal, in changeIn) (change, error) {
	match, err := in.checked(who, false)
	if err != nil {
		return change{}, err
	}
	if err := object("replacement", in.Replacement); err != nil {
		return change{}, err
	}
	value, err := decode(in.Replacement)
	document, ok := value.(map[string]any)
	if err != nil || !ok {
		return change{}, ErrQuery.WithMessage("The replacement cannot be read.")
	}
	for name := range document {
		if name != "" && name[0] == '$' {
			return change{}, update.ErrInvalid.WithMessage("A replacement has no operators; use updateOne for " + name + ".")
		}
	}
	names := map[string]bool{}
	mention(names, value)
	for name := range names {
		if repository.Hidden(in.Collection, name) != "" {
			return change{}, update.ErrInvalid.WithMessage("The field " + name + " cannot be changed here.")
		}
	}
	return change{in, match, func(whole map[string]any, _ bool) (bool, error) {
		return true, replaced(whole, in.Replacement)
	}}, nil
}

// replaced decodes the replacement afresh, so that two records never share it.
func replaced(whole map[string]any, replacement json.RawMessage) error {
	value, err := decode(replacement)
	document, ok := value.(map[string]any)
	if err != nil || !ok {
		return ErrQuery
	}
	inner, wrapped := document["data"].(map[string]any)
	if !wrapped || !isModel(document) {
		whole["data"] = document
		return nil
	}
	whole["data"] = inner
	for name, value := range document {
		if slices.Contains(settable(), name) {
			whole[name] = value
		}
	}
	return nil
}

// mention collects member names at any depth.
func mention(names map[string]bool, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, below := range value {
			names[name] = true
			mention(names, below)
		}
	case []any:
		for _, below := range value {
			mention(names, below)
		}
	}
}
