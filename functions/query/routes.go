package query

import (
	"strings"

	"github.com/appmint/appengine/shared/aggregate"
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/update"
)

// alias is where every route is mounted a second time.
const alias = "/mongodb/"

func (s service) routes() []api.Route {
	rows := append(s.reading(), s.writing()...)
	for _, r := range rows {
		verb := r.Path[strings.LastIndexByte(r.Path, '/')+1:]
		rows = append(rows, r.As(r.Method+" "+alias+verb))
	}
	return rows
}

func (s service) reading() []api.Route {
	read := auth.Staff(auth.Read)
	fails := api.Fails(readFails()...)
	return []api.Route{
		api.On("POST /dynamic-query/find", read, within(queryTime, s.find), "Records that match a filter", fails),
		api.On("POST /dynamic-query/findOne", read, within(queryTime, s.findOne), "The first record that matches a filter, or null", fails),
		api.On("POST /dynamic-query/aggregate", read, within(aggregateTime, s.aggregate), "Rows that a pipeline makes of records", fails, api.Fails(aggregate.ErrBudget)),
		api.On("POST /dynamic-query/count", read, within(queryTime, s.count), "How many records match a filter", fails),
		api.On("POST /dynamic-query/distinct", read, within(queryTime, s.distinct), "The different values of a field", fails),
		api.On("POST /dynamic-query/query", read, within(aggregateTime, s.query), "Rows joined from several collections", fails, api.Fails(aggregate.ErrBudget)),
	}
}

func (s service) writing() []api.Route {
	create, change, remove := auth.Staff(auth.Create), auth.Staff(auth.Update), auth.Staff(auth.Delete)
	fails := api.Fails(append(writeFails(), update.ErrInvalid)...)
	return []api.Route{
		api.On("POST /dynamic-query/insertOne", create, within(writeTime, s.insertOne), "A new record", fails),
		api.On("POST /dynamic-query/insertMany", create, within(writeTime, s.insertMany), "New records, one by one", fails),
		api.On("POST /dynamic-query/updateOne", change, within(writeTime, s.updateOne), "Applies update operators to one record", fails),
		api.On("POST /dynamic-query/updateMany", change, within(writeTime, s.updateMany), "Applies update operators to records, one by one", fails),
		api.On("POST /dynamic-query/replaceOne", change, within(writeTime, s.replaceOne), "Replaces the payload of one record", fails),
		api.On("POST /dynamic-query/deleteOne", remove, within(writeTime, s.deleteOne), "Moves one record to the trash", fails),
		api.On("POST /dynamic-query/deleteMany", remove, within(writeTime, s.deleteMany), "Moves records to the trash, one by one", fails),
		api.On("POST /dynamic-query/bulkWrite", remove, within(writeTime, s.bulkWrite), "Runs writes in turn", fails),
		api.On("POST /dynamic-query/update", change, within(writeTime, s.legacyUpdate), "Applies update operators, or runs operations as one transaction", fails),
		api.On("POST /dynamic-query/delete", remove, within(writeTime, s.deleteMany), "Moves records to the trash, one by one", fails),
	}
}
