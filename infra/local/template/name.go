package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// resource is one entry of the Resources section.
type resource struct {
	kind       string
	properties map[string]any
}

// reference is what Ref returns for a resource: its name, except where AWS
// returns something else.
func (r *resolver) reference(id string) (string, error) {
	name, err := r.name(id)
	if err != nil {
		return "", err
	}
	switch r.resources[id].kind {
	case "AWS::SQS::Queue":
		return fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", r.options.Region, r.options.AccountID, name), nil
	case "AWS::SNS::Topic", "AWS::SecretsManager::Secret":
		return r.arn(id, name), nil
	case "AWS::Serverless::HttpApi", "AWS::Serverless::WebSocketApi", "AWS::ApiGatewayV2::Api":
		return strings.ToLower(id), nil
	default:
		return name, nil
	}
}

// attribute is what GetAtt returns. Attributes that nothing here depends on
// become a readable stand-in.
func (r *resolver) attribute(id, attribute string) (string, error) {
	name, err := r.name(id)
	if err != nil {
		return "", err
	}
	switch attribute {
	case "Arn", "TopicArn":
		return r.arn(id, name), nil
	case "StreamArn":
		return r.arn(id, name) + "/stream/local", nil
	case "Name", "QueueName", "TopicName":
		return name, nil
	case "QueueUrl", "ApiId", "Id":
		return r.reference(id)
	case "ApiEndpoint":
		return fmt.Sprintf("https://%s.execute-api.%s.amazonaws.com", strings.ToLower(id), r.options.Region), nil
	default:
		return name + "." + attribute, nil
	}
}

// name is the resource's physical name: the one the template gives, else one
// made of the stack's and the logical id.
func (r *resolver) name(id string) (string, error) {
	properties := r.resources[id].properties
	if r.depth > maxDepth {
		return "", fmt.Errorf("the name of %s depends on itself", id)
	}
	r.depth++
	defer func() { r.depth-- }()
	for _, property := range []string{"FunctionName", "QueueName", "TableName", "BucketName", "TopicName", "Name"} {
		source, ok := properties[property]
		if !ok {
			continue
		}
		value, err := r.resolve(source)
		if err != nil {
			return "", fmt.Errorf("%s: %w", property, err)
		}
		if text, ok := value.(string); ok && text != "" {
			return text, nil
		}
	}
	name := r.options.StackName + "-" + id
	if fifo, _ := asText(properties["FifoQueue"]); fifo == "true" {
		name += ".fifo"
	}
	return name, nil
}

func (r *resolver) arn(id, name string) string {
	kind := r.resources[id].kind
	place := r.options.Region + ":" + r.options.AccountID
	switch kind {
	case "AWS::Serverless::Function", "AWS::Lambda::Function":
		return "arn:aws:lambda:" + place + ":function:" + name
	case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Serverless::SimpleTable":
		return "arn:aws:dynamodb:" + place + ":table/" + name
	case "AWS::Events::EventBus":
		return "arn:aws:events:" + place + ":event-bus/" + name
	case "AWS::Events::Rule":
		return "arn:aws:events:" + place + ":rule/" + name
	case "AWS::S3::Bucket":
		return "arn:aws:s3:::" + name
	case "AWS::SecretsManager::Secret":
		return "arn:aws:secretsmanager:" + place + ":secret:" + name
	case "AWS::IAM::Role", "":
		return "arn:aws:iam::" + r.options.AccountID + ":role/" + name
	}
	service := "local"
	if parts := strings.Split(kind, "::"); len(parts) == 3 {
		service = strings.ToLower(parts[1])
	}
	return "arn:aws:" + service + ":" + place + ":" + name
}

// generated tells whether SAM makes a resource of this logical id, such as
// UsersFunctionRole, out of one in the template.
func (r *resolver) generated(id string) bool {
	if id == implicitAPI {
		return true
	}
	for known, resource := range r.resources {
		if strings.HasPrefix(id, known) && strings.HasPrefix(resource.kind, "AWS::Serverless::") {
			return true
		}
	}
	return false
}

// identities lists every text under which others may refer to a resource. A
// text can mean several, such as a bus that is called like a function.
func (r *resolver) identities() (map[string][]string, error) {
	ids := make(map[string][]string, 4*len(r.resources))
	for _, id := range slices.Sorted(maps.Keys(r.resources)) {
		name, err := r.name(id)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		reference, err := r.reference(id)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		arn := r.arn(id, name)
		for _, text := range slices.Compact([]string{id, name, reference, arn, arn + "/stream/local"}) {
			ids[text] = append(ids[text], id)
		}
	}
	return ids, nil
}
