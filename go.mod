module github.com/appmint/appengine

go 1.26.0

require (
	github.com/aws/aws-lambda-go v1.55.0
	github.com/google/go-cmp v0.7.0
	github.com/hashicorp/cronexpr v1.1.3
	go.yaml.in/yaml/v3 v3.0.6
	pgregory.net/rapid v1.3.0
)
