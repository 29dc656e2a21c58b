package clientdata

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// addressData is an address as customers write it.
type addressData struct {
	Name    string `json:"name,omitempty" maxLen:"200"`
	Company string `json:"company,omitempty" maxLen:"200"`
	Email   string `json:"email,omitempty" maxLen:"320"`
	Phone   string `json:"phone,omitempty" maxLen:"50"`
	Street1 string `json:"street1" required:"true" maxLen:"300"`
	Street2 string `json:"street2,omitempty" maxLen:"300"`
	City    string `json:"city,omitempty" maxLen:"200"`
	Zip     string `json:"zip,omitempty" maxLen:"30"`
	State   string `json:"state,omitempty" maxLen:"100"`
	Country string `json:"country,omitempty" maxLen:"100"`
	Type    string `json:"type,omitempty" enum:"Home,Work"`
	Mailing bool   `json:"mailing,omitempty"`
	Primary bool   `json:"primary,omitempty"`
}

const address = "address"

func (s service) listAddresses(ctx context.Context, who auth.Principal, in listIn) (listOut, error) {
	return s.list(ctx, who, address, in, nil)
}

func (s service) addAddress(ctx context.Context, who auth.Principal, in addressData) (record.Raw, error) {
	return s.add(ctx, who, address, in)
}

type addressIn struct {
	addressData
	ID string `path:"addressId" json:"-"`
}

func (s service) putAddress(ctx context.Context, who auth.Principal, in addressIn) (table.Doc, error) {
	if _, err := s.one(ctx, who, address, in.ID); err != nil {
		return nil, err
	}
	data, err := json.Marshal(in.addressData)
	if err != nil {
		return nil, err
	}
	return s.as(who).Update(ctx, address, in.ID, repository.Revision{Data: data})
}

type addressIDIn struct {
	ID string `path:"addressId"`
}

type done struct {
	Success bool `json:"success"`
}

func (s service) dropAddress(ctx context.Context, who auth.Principal, in addressIDIn) (done, error) {
	if _, err := s.one(ctx, who, address, in.ID); err != nil {
		return done{}, err
	}
	_, err := s.as(who).Delete(ctx, address, in.ID)
	return done{err == nil}, err
}

const ticket = "ticket"

func (s service) tickets(ctx context.Context, who auth.Principal, in listIn) (listOut, error) {
	return s.list(ctx, who, ticket, in, nil)
}

type ticketIn struct {
	Title       string `json:"title" required:"true" maxLen:"300"`
	Description string `json:"description" required:"true" maxLen:"20000"`
	Category    string `json:"category" maxLen:"100"`
}

func (s service) addTicket(ctx context.Context, who auth.Principal, in ticketIn) (record.Raw, error) {
	data := map[string]any{
		"title": in.Title, "description": in.Description, "status": "new", "channel": "web",
		"reportedBy": who.ID, "reportedByEmail": who.Email,
	}
	if in.Category != "" {
		data["category"] = in.Category
	}
	return s.add(ctx, who, ticket, data)
}

type ticketIDIn struct {
	ID string `path:"ticketId"`
}

func (s service) ticket(ctx context.Context, who auth.Principal, in ticketIDIn) (table.Doc, error) {
	return s.one(ctx, who, ticket, in.ID)
}

const message = "message"

func (s service) messages(ctx context.Context, who auth.Principal, in listIn) (listOut, error) {
	return s.list(ctx, who, message, in, nil)
}

type messageIn struct {
	Subject string `json:"subject" maxLen:"300"`
	Text    string `json:"text" required:"true" maxLen:"20000"`
	To      string `json:"to" maxLen:"320"`
}

// addMessage leaves a message in the org's inbox; nothing is sent anywhere.
func (s service) addMessage(ctx context.Context, who auth.Principal, in messageIn) (record.Raw, error) {
	data := map[string]any{
		"text": in.Text, "from": who.Label(), "deliveryType": "chat", "type": "client", "status": "new", "source": "client-data",
	}
	if in.Subject != "" {
		data["subject"] = in.Subject
	}
	if in.To != "" {
		data["to"] = []string{in.To}
	}
	return s.add(ctx, who, message, data)
}

func (s service) notifications(ctx context.Context, who auth.Principal, in listIn) (listOut, error) {
	return s.list(ctx, who, "community_notification", in, nil)
}

type registerIn struct {
	Token    string `json:"token" required:"true" minLen:"8" maxLen:"4096"`
	Platform string `json:"platform" required:"true" enum:"ios,android,web"`
}

const device = "user_device"

// deviceData is a device that takes push messages.
type deviceData struct {
	UserID    string `json:"userId"`
	UserType  string `json:"userType"`
	DeviceID  string `json:"deviceId"`
	PushToken string `json:"pushToken"`
	Platform  string `json:"platform"`
}

// register notes where a customer's push messages go. A device has one token and
// belongs to whoever signed in on it last.
func (s service) register(ctx context.Context, who auth.Principal, in registerIn) (done, error) {
	tenant := s.records.Tenant(who.Org)
	id := "push-" + auth.HashSecret(in.Token)
	data := deviceData{UserID: who.ID, UserType: customer, DeviceID: id, PushToken: in.Token, Platform: in.Platform}
	owner := &record.Owner{Datatype: customer, ID: who.ID, Name: who.Name, Email: who.Email}
	known, err := tenant.Lookup(ctx, device, "deviceId", id)
	switch {
	case errors.Is(err, table.ErrNotFound):
		_, err = repository.Create(ctx, tenant, who, record.Record[deviceData]{Datatype: device, Data: data, Owner: owner})
	case err == nil:
		_, err = repository.Change(ctx, tenant, who, device, known.SK, func(rec *record.Record[map[string]any], _ *repository.Tx) error {
			rec.Owner = owner
			rec.Data["userId"], rec.Data["userType"], rec.Data["platform"] = data.UserID, data.UserType, data.Platform
			return nil
		})
	}
	return done{err == nil}, err
}
