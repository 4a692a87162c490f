package event_test

import "testing"

func TestRequestPathIsWithoutStageAndBasePath(t *testing.T) {
	for _, tt := range []struct{ name, payload, want string }{
		{"REST, stage only in the context", v1(map[string]string{"path": `"/v1/models/m"`, "pathParameters": `{"proxy":"v1/models/m"}`}), "/v1/models/m"},
		{"REST, stage called like the route", v1(map[string]string{"path": `"/v1/models/m"`, "resource": `"/v1/models/m"`, "pathParameters": `null`,
			"requestContext": `{"stage":"v1","path":"/v1/v1/models/m"}`}), "/v1/models/m"},
		{"REST, custom domain with a base path", v1(map[string]string{"path": `"/ml/v1/models/m"`, "pathParameters": `{"proxy":"v1/models/m"}`,
			"requestContext": `{"stage":"prod","path":"/ml/v1/models/m"}`}), "/v1/models/m"},
		{"REST, base path before an encoded name", v1(map[string]string{"path": `"/ml/v1/models/a%2Fb"`, "pathParameters": `{"proxy":"v1/models/a/b"}`,
			"requestContext": `{"stage":"prod","path":"/ml/v1/models/a%2Fb"}`}), "/v1/models/a%2Fb"},
		{"format 1.0 of an HTTP API, stage in both", v1(map[string]string{"path": `"/prod/v1/models/m"`, "resource": `"$default"`, "pathParameters": `null`,
			"requestContext": `{"stage":"prod","path":"/prod/v1/models/m"}`}), "/v1/models/m"},
		{"HTTP, default stage", v2(map[string]string{"rawPath": `"/v1/models/m"`}), "/v1/models/m"},
		{"HTTP, named stage", v2(map[string]string{"rawPath": `"/prod/v1/models/m"`, "requestContext": `{"stage":"prod","http":{"method":"GET"}}`}), "/v1/models/m"},
		{"HTTP, stage alone", v2(map[string]string{"rawPath": `"/prod"`, "requestContext": `{"stage":"prod","http":{"method":"GET"}}`}), "/"},
		{"HTTP, path that only begins like the stage", v2(map[string]string{"rawPath": `"/production"`, "requestContext": `{"stage":"prod","http":{"method":"GET"}}`}), "/production"},
		{"HTTP, stage called v1", v2(map[string]string{"rawPath": `"/v1/v1/models/m"`, "requestContext": `{"stage":"v1","http":{"method":"GET"}}`}), "/v1/models/m"},
		{"HTTP, stage called v1 that a custom domain hides", v2(map[string]string{"rawPath": `"/v1/models/m:predict"`, "requestContext": `{"stage":"v1","http":{"method":"POST"}}`}), "/v1/models/m:predict"},
		{"REST, stage called v2 that a custom domain hides", v1(map[string]string{"path": `"/v2/health/ready"`, "resource": `"/{other}"`, "pathParameters": `null`,
			"requestContext": `{"stage":"v2","path":"/v2/health/ready"}`}), "/v2/health/ready"},
		{"HTTP, API mapping", v2(map[string]string{"rawPath": `"/ml/v1/models/m"`, "routeKey": `"ANY /{proxy+}"`, "pathParameters": `{"proxy":"v1/models/m"}`}), "/v1/models/m"},
		{"HTTP, route below a prefix", v2(map[string]string{"rawPath": `"/v1/models/m"`, "routeKey": `"ANY /v1/{proxy+}"`, "pathParameters": `{"proxy":"models/m"}`}), "/v1/models/m"},
		{"HTTP, $default route behind a custom domain's base path", v2(map[string]string{"rawPath": `"/ml/v1/models/m:predict"`}), "/v1/models/m:predict"},
		{"HTTP, stage and then a prefix", v2(map[string]string{"rawPath": `"/prod/ml/v2/models/m/infer"`, "requestContext": `{"stage":"prod","http":{"method":"GET"}}`}), "/v2/models/m/infer"},
		{"HTTP, route below a prefix of its own", v2(map[string]string{"rawPath": `"/ml/v2"`, "routeKey": `"ANY /ml/{proxy+}"`, "pathParameters": `{"proxy":"v2"}`}), "/v2"},
		{"load balancer, no prefix", alb(map[string]string{"path": `"/v1/models/m"`}), "/v1/models/m"},
		{"load balancer, prefix of its rule", alb(map[string]string{"path": `"/team/ml/v2/health/ready"`}), "/v2/health/ready"},
		{"load balancer, server metadata behind a prefix", alb(map[string]string{"path": `"/ml/v2"`}), "/v2"},
		{"load balancer, upper case", alb(map[string]string{"path": `"/ML/V1/Models/m"`}), "/V1/Models/m"},
		{"load balancer, a name with an encoded path in it", alb(map[string]string{"path": `"/ml/v1/models/a%2Fv1%2Fmodels%2Fb:predict"`}), "/v1/models/a%2Fv1%2Fmodels%2Fb:predict"},
		{"load balancer, an encoded prefix of a name", alb(map[string]string{"path": `"/v1/models/x%2Fv2%2Fmodels/metadata"`}), "/v1/models/x%2Fv2%2Fmodels/metadata"},
		{"load balancer, a name that holds a path", alb(map[string]string{"path": `"/ml/v1/models/a/v2/models/b"`}), "/v1/models/a/v2/models/b"},
		{"load balancer, a path of v1 that holds another", alb(map[string]string{"path": `"/v1/other/v1/models/m"`}), "/v1/other/v1/models/m"},
		{"load balancer, words that only begin alike", alb(map[string]string{"path": `"/ml/v1/modelsx/v2x"`}), "/ml/v1/modelsx/v2x"},
		{"load balancer, another page", alb(map[string]string{"path": `"/openapi.json"`}), "/openapi.json"},
		{"HTTP, decoded path", v2(map[string]string{"rawPath": `"/v1/models/a b%"`}), "/v1/models/a%20b%25"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := request(t, tt.payload).URL.EscapedPath(); got != tt.want {
				t.Errorf("path = %q, want %q", got, tt.want)
			}
		})
	}
}
