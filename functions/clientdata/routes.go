package clientdata

import (
	"slices"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

func (s service) routes() []api.Route {
	return slices.Concat(s.profiles(), s.papers(), s.addresses(), s.contact(), s.wishlists())
}

func listFails() []*fault.Error {
	return []*fault.Error{repository.ErrSort, repository.ErrTooBroad}
}

func writeFails() []*fault.Error {
	return []*fault.Error{collection.ErrInvalidData, repository.ErrTaken, repository.ErrVersion, table.ErrNotFound, table.ErrTooLarge}
}

func (s service) profiles() []api.Route {
	customer := auth.Customers()
	return []api.Route{
		api.On("GET /client-data/all", customer, s.all, "The customer's own records of every collection.", api.Fails(listFails()...)),
		api.On("GET /client-data/profile", customer, s.profile, "The customer's account.", api.Fails(table.ErrNotFound)),
		api.On("PUT /client-data/profile", customer, s.putProfile, "Changes parts of the customer's account.", api.Fails(writeFails()...)),
		api.On("GET /client-data/verification/status", customer, s.verification, "Which addresses of the customer are verified.", api.Fails(table.ErrNotFound)),
	}
}

func (s service) papers() []api.Route {
	customer := auth.Customers()
	return []api.Route{
		api.On("GET /client-data/orders", customer, s.orders, "The customer's orders.", api.Fails(listFails()...)),
		api.On("GET /client-data/orders/{orderId}", customer, s.order, "One of the customer's orders.", api.Fails(table.ErrNotFound)),
	}
}

func (s service) addresses() []api.Route {
	customer := auth.Customers()
	fails := api.Fails(append(writeFails(), auth.ErrForbidden)...)
	return []api.Route{
		api.On("GET /client-data/addresses", customer, s.listAddresses, "The customer's addresses.", api.Fails(listFails()...)),
		api.On("POST /client-data/addresses", customer, s.addAddress, "A new address.", fails, api.Status(201)),
		api.On("PUT /client-data/addresses/{addressId}", customer, s.putAddress, "Replaces an address.", fails),
		api.On("DELETE /client-data/addresses/{addressId}", customer, s.dropAddress, "Removes an address.", fails),
	}
}

func (s service) contact() []api.Route {
	customer := auth.Customers()
	fails := api.Fails(writeFails()...)
	return []api.Route{
		api.On("GET /client-data/tickets", customer, s.tickets, "The customer's tickets.", api.Fails(listFails()...)),
		api.On("POST /client-data/tickets", customer, s.addTicket, "A new ticket.", fails, api.Status(201)),
		api.On("GET /client-data/tickets/{ticketId}", customer, s.ticket, "One of the customer's tickets.", api.Fails(table.ErrNotFound)),
		api.On("GET /client-data/messages", customer, s.messages, "The customer's messages.", api.Fails(listFails()...)),
		api.On("POST /client-data/messages", customer, s.addMessage, "A new message.", fails, api.Status(201)),
		api.On("GET /client-data/notifications", customer, s.notifications, "The customer's notifications.", api.Fails(listFails()...)),
		api.On("POST /client-data/notifications/register", customer, s.register, "Registers a device for push messages.", fails),
	}
}

func (s service) wishlists() []api.Route {
	customer := auth.Customers()
	fails := api.Fails(append(writeFails(), errWishlistFull)...)
	return []api.Route{
		api.On("GET /client-data/wishlist", customer, s.wishlist, "The customer's wishlist."),
		api.On("POST /client-data/wishlist", customer, s.wish, "Puts products on the wishlist.", fails),
		api.On("DELETE /client-data/wishlist/{sku}", customer, s.unwish, "Takes a product off the wishlist.", fails),
	}
}
