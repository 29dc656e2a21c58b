package repository

import (
	"slices"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// The faults of the endpoints themselves.
var (
	// ErrNotNew refuses to create what does not say that it is new.
	ErrNotNew = fault.New(fault.Invalid, "not_new", "Not a new record, please use update or set the new property")
	// ErrInput refuses a body that does not say what to do.
	ErrInput = fault.New(fault.Invalid, "invalid_input", "The request does not say what to do.")
)

// readFails are the faults of every route that reads a collection.
func readFails() []*fault.Error {
	return []*fault.Error{
		table.ErrNotFound, collection.ErrUnknown, auth.ErrForbidden, auth.ErrScope, repository.ErrBadRecord, ErrInput,
	}
}

func listFails() []*fault.Error {
	return append(readFails(), filter.ErrInvalid, repository.ErrSort, repository.ErrTooBroad)
}

func writeFails() []*fault.Error {
	return append(readFails(), collection.ErrInvalidData, collection.ErrInvalidDefinition, collection.ErrBuiltin,
		repository.ErrVersion, repository.ErrTaken, repository.ErrReserved, repository.ErrTooMany, repository.ErrSubschema, ErrNotNew, table.ErrTooLarge)
}

func (s service) routes() []api.Route {
	return slices.Concat(s.reading(), s.finding(), s.writing(), s.versions(), s.approvals(), s.sharing())
}

func (s service) reading() []api.Route {
	read := auth.Anyone(auth.Read)
	fails := api.Fails(readFails()...)
	anyID := api.On("GET /repository/find-any-id/{datatype}/{id}", read, s.findAnyID, "One record by id, name or another identifying field", fails, api.Tagged())
	return []api.Route{
		api.On("GET /repository/get/{datatype}/{id}", read, s.get, "One record", fails, api.Tagged()),
		api.On("GET /repository/get/{id}", read, s.getAny, "One record of any collection", fails, api.Tagged()),
		anyID, anyID.As("POST /repository/find-any-id/{datatype}/{id}"),
		api.On("GET /repository/collections", read, s.collections, "Every collection: built-in ones and the org's own", fails),
		api.On("GET /repository/collection/{name}", read, s.collection, "One collection's definition", fails),
	}
}

func (s service) finding() []api.Route {
	read := auth.Anyone(auth.Read)
	fails := api.Fails(listFails()...)
	list := api.On("GET /repository/find/{datatype}", read, s.list, "One page of a collection", fails)
	unique := api.On("GET /repository/isunique/{datatype}/{field}/{value}", read, s.isUnique, "Whether a value is free", fails)
	return []api.Route{
		list, list.As("GET /repository/find-page-data/{datatype}"), list.As("GET /repository/find-by-attribute/{datatype}"),
		list.As("GET /repository/query/{datatype}"),
		api.On("POST /repository/find/{datatype}", read, s.find, "One page of the records that match a filter", fails),
		api.On("GET /repository/find-by-attribute/{datatype}/{attribute}/{attrValue}", read, s.findByAttribute, "Records whose attribute contains a text, exact matches first", fails),
		api.On("GET /repository/search/{datatype}", read, s.searchGet, "Records that contain all words of a keyword", fails),
		api.On("POST /repository/search/{datatype}", read, s.searchPost, "Records that contain all words of a keyword, and match a filter", fails),
		api.On("GET /repository/search", read, s.searchAll, "Records of any collection that contain all words of a keyword", fails),
		api.On("GET /repository/find-related/{datatype}/{id}", read, s.related, "Records of any collection that refer to a record", fails),
		api.On("GET /repository/find-timed-data/{datatype}", auth.Staff(auth.Read), s.timed, "The records of a span of time", fails),
		api.On("GET /repository/activities/get", auth.Staff(auth.Read), s.activities, "What was done, newest first", fails),
		api.On("GET /repository/activities/get/{datatype}/{id}", auth.Staff(auth.Read), s.activitiesOf, "What was done to a record, newest first", fails),
		unique,
		api.On("GET /repository/isunique/{datatype}/{id}/{field}/{value}", read, s.isUniqueFor, "Whether a value is free for a record", fails),
	}
}

func (s service) writing() []api.Route {
	// Customers may change what is theirs without the verb: the repository decides.
	create, change := auth.Anyone(auth.Create), auth.Anyone(auth.Read)
	fails, once := api.Fails(append(writeFails(), api.ErrETag)...), api.Repeatable(s.replays)
	put := api.On("PUT /repository/create", create, s.create, "A new record", fails, once, api.Tagged(), api.Status(201))
	update := api.On("POST /repository/update", change, s.update, "Replaces the payload of a record", fails, once, api.Tagged())
	return []api.Route{
		put, put.As("POST /repository/create"),
		api.On("POST /repository/create/{datatype}", create, s.createIn, "A new record of a collection", fails, once, api.Tagged(), api.Status(201)),
		api.On("PUT /repository/create-extended", auth.Staff(auth.Create), s.createExtended, "A new record of a collection with a sub-schema", fails, once, api.Tagged(), api.Status(201)),
		api.On("POST /repository/bulk-create/{datatype}", auth.Staff(auth.Create), s.bulkCreate, "Many new records, each on its own", fails, once),
		update,
		api.On("POST /repository/update/{key}", change, s.updateKey, "Replaces the payload of a record, given its id or its collection", fails, once, api.Tagged()),
		api.On("POST /repository/update/{datatype}/{id}", change, s.updateOne, "Replaces the payload of a record", fails, once, api.Tagged()),
		api.On("POST /repository/update-partial/{datatype}/{id}", change, s.updatePartial, "Sets dotted paths of a record", fails, once, api.Tagged()),
		api.On("DELETE /repository/delete/{datatype}/{id}", change, s.remove, "Moves a record to the trash", fails, once),
		api.On("POST /repository/delete/{datatype}", change, s.removeMany, "Moves records to the trash", fails, once),
		api.On("POST /repository/delete", change, s.removeMixed, "Moves records of any collections to the trash", fails, once),
	}
}

func (s service) versions() []api.Route {
	update, remove := auth.Staff(auth.Update), auth.Staff(auth.Delete)
	fails, once := api.Fails(append(writeFails(), repository.ErrState)...), api.Repeatable(s.replays)
	return []api.Route{
		api.On("GET /repository/history/{datatype}/{id}", auth.Staff(auth.Read), s.history, "The versions of a record, newest first", fails),
		api.On("POST /repository/history/restore/{datatype}/{id}", update, s.restoreVersion, "Writes an old version as a new one", fails, once, api.Tagged()),
		api.On("POST /repository/history/restore", update, s.restoreVersionBody, "Writes an old version as a new one", fails, once),
		api.On("POST /repository/trash-restore/{id}", remove, s.restoreTrash, "Brings a record back from the trash", fails, once),
		api.On("POST /repository/trash-restore", remove, s.restoreTrashMany, "Brings records back from the trash", fails, once),
		api.On("POST /repository/publish/{datatype}/{id}", update, s.publish, "Publishes a record", fails, once, api.Tagged()),
		api.On("POST /repository/publish", update, s.publishBody, "Publishes a record", fails, once),
		api.On("POST /repository/unpublish/{datatype}/{id}", update, s.unpublish, "Makes a published record a draft again", fails, once, api.Tagged()),
		api.On("POST /repository/unpublish", update, s.unpublishBody, "Makes a published record a draft again", fails, once),
	}
}

func (s service) approvals() []api.Route {
	approve := auth.Staff(auth.Approve)
	fails, once := api.Fails(append(writeFails(), repository.ErrState)...), api.Repeatable(s.replays)
	return []api.Route{
		api.On("GET /repository/request-approval/{datatype}/{id}", auth.Staff(auth.Update), s.requestApproval, "Asks for a record's approval", fails, once),
		api.On("POST /repository/approve/{datatype}/{id}", approve, s.approve, "Approves a record", fails, once),
		api.On("POST /repository/approve", approve, s.approveBody, "Approves a record", fails, once),
		api.On("POST /repository/reject/{datatype}/{id}", approve, s.reject, "Rejects a record", fails, once),
		api.On("POST /repository/reject", approve, s.rejectBody, "Rejects a record", fails, once),
	}
}
