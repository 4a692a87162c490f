package event_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestRequestOfALoadBalancer(t *testing.T) {
	for _, tt := range []struct {
		name    string
		members map[string]string
		query   string
		accept  []string
		address string
	}{
		{"single values", map[string]string{
			"queryStringParameters": `{"q":"a%20b%26c","top":"2"}`,
			"headers":               `{"accept":"text/csv","host":"lb.example.com","x-forwarded-for":"198.51.100.1, 192.0.2.7","content-length":"0"}`,
		}, "q=a%20b%26c&top=2", []string{"text/csv"}, "192.0.2.7:0"},
		{"multiple values", map[string]string{
			"queryStringParameters": "", "headers": "",
			"multiValueQueryStringParameters": `{"top":["1","2"],"q":["%C3%A9"],"flag":[""]}`,
			"multiValueHeaders":               `{"accept":["text/csv","application/json"],"host":["lb.example.com"],"x-forwarded-for":["198.51.100.1","192.0.2.7:54321"]}`,
		}, "flag=&q=%C3%A9&top=1&top=2", []string{"text/csv", "application/json"}, "192.0.2.7:0"},
		{"IPv6", map[string]string{"headers": `{"host":"lb.example.com","x-forwarded-for":"2001:db8::7"}`}, "", nil, "[2001:db8::7]:0"},
		{"IPv6 with a port", map[string]string{"headers": `{"host":"lb.example.com","x-forwarded-for":"[2001:db8::7]:443"}`}, "", nil, "[2001:db8::7]:0"},
		{"health check", map[string]string{"headers": `{"host":"lb.example.com","user-agent":"ELB-HealthChecker/2.0"}`}, "", nil, ""},
		{"no address", map[string]string{"headers": `{"host":"lb.example.com","x-forwarded-for":"unknown"}`}, "", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, alb(tt.members))
			if r.Method != http.MethodGet || r.URL.Path != "/v2" || r.Host != "lb.example.com" || r.Header.Get("Content-Length") != "" {
				t.Errorf("%s %s of %q", r.Method, r.URL, r.Host)
			}
			if sorted := sortedQuery(r.URL.RawQuery); sorted != tt.query || !slices.Equal(r.Header.Values("Accept"), tt.accept) || r.RemoteAddr != tt.address {
				t.Errorf("query %q, Accept %q, address %q; want %q, %q, %q", sorted, r.Header.Values("Accept"), r.RemoteAddr, tt.query, tt.accept, tt.address)
			}
		})
	}
}

// sortedQuery orders a query by name: the members of an object have no order.
func sortedQuery(query string) string {
	parts := strings.Split(query, "&")
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

func TestReplyOfALoadBalancerHasTheFormOfTheRequest(t *testing.T) {
	multiValue := alb(map[string]string{"headers": "", "multiValueHeaders": `{"host":["lb.example.com"]}`})
	for _, tt := range []struct {
		name, payload string
		status        int
		want          events.ALBTargetGroupResponse
	}{
		{"single values", alb(nil), 200, events.ALBTargetGroupResponse{
			StatusCode: 200, StatusDescription: "200 OK", Body: `{"a":"b"}`,
			Headers: map[string]string{"Content-Type": "application/json", "Vary": "Accept, Accept-Encoding"},
		}},
		{"multiple values that are null", alb(map[string]string{"multiValueHeaders": "null"}), 200, events.ALBTargetGroupResponse{
			StatusCode: 200, StatusDescription: "200 OK", Body: `{"a":"b"}`,
			Headers: map[string]string{"Content-Type": "application/json", "Vary": "Accept, Accept-Encoding"},
		}},
		{"multiple values", multiValue, 404, events.ALBTargetGroupResponse{
			StatusCode: 404, StatusDescription: "404 Not Found", Body: `{"a":"b"}`,
			MultiValueHeaders: map[string][]string{
				"Content-Type": {"application/json"},
				"Set-Cookie":   {"a=1; Expires=Wed, 21 Oct 2026", "b=2"},
				"Vary":         {"Accept", "Accept-Encoding"},
			},
		}},
		{"a status without a name", multiValue, 499, events.ALBTargetGroupResponse{
			StatusCode: 499, StatusDescription: "499 Unknown", Body: `{"a":"b"}`,
			MultiValueHeaders: map[string][]string{
				"Content-Type": {"application/json"},
				"Set-Cookie":   {"a=1; Expires=Wed, 21 Oct 2026", "b=2"},
				"Vary":         {"Accept", "Accept-Encoding"},
			},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got events.ALBTargetGroupResponse
			reply(t, tt.payload, tt.status, replyHeader, `{"a":"b"}`, &got)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
