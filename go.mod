module github.com/appmint/appengine

go 1.26.0
