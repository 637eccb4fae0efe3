package netberth

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// What Go leaves out of a request on purpose: spellings of 2015 that have newer ones.
var old = map[string]bool{"generic": true, "ip": true}

// keys are the members of a document's JSON.
func keys(document any) (all []string) {
	kind := reflect.TypeOf(document)
	for i := 0; i < kind.NumField(); i++ {
		all = append(all, strings.Split(kind.Field(i).Tag.Get("json"), ",")[0])
	}
	sort.Strings(all)
	return all
}

// The library names the keys that it knows when it is given one that it does not.
func TestEveryKeyOfARequestCanBeAsked(t *testing.T) {
	h := open(t)
	known := regexp.MustCompile("unknown key `no_such_key`, expected one of: (.*?)(?: at line .*)?$")
	for _, test := range []struct {
		document any
		verb     string
		request  string
	}{
		{NetworkRequest{}, "network_create", `{"no_such_key":1}`},
		{NetworkOptionsRequest{}, "network_create", `{"options":{"no_such_key":1}}`},
		{Subnet{}, "network_create", `{"options":{"subnets":[{"no_such_key":1}]}}`},
		{EndpointRequest{}, "endpoint_create", `{"no_such_key":1}`},
		{ExposedPort{}, "endpoint_create", `{"exposed_ports":[{"no_such_key":1}]}`},
		{PortMapping{}, "endpoint_create", `{"port_mapping":[{"no_such_key":1}]}`},
		{JoinRequest{}, "join", `{"no_such_key":1}`},
		{ExtraHost{}, "join", `{"extra_hosts":[{"no_such_key":1}]}`},
		{ParentUpdate{}, "join", `{"parent_updates":[{"no_such_key":1}]}`},
		{ServiceRequest{}, "service_publish", `{"no_such_key":1}`},
		{JoinManyRequest{}, "join_many", `[{"no_such_key":1}]`},
	} {
		_, err := h.Plan(background, Step{stepDocument{
			Verb: test.verb, Network: "n", Endpoint: "e", Request: json.RawMessage(test.request),
		}})
		compare(t, known, test.document, err)
	}
}

func compare(t *testing.T, known *regexp.Regexp, document any, err error) {
	t.Helper()
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatalf("%T: %v", document, err)
	}
	found := known.FindStringSubmatch(failed.Message)
	if found == nil {
		t.Fatalf("%T: %v", document, err)
	}
	expected := []string{}
	for _, key := range strings.Split(found[1], ", ") {
		if !old[key] {
			expected = append(expected, key)
		}
	}
	sort.Strings(expected)
	equal(t, keys(document), expected)
}

func TestWhatIsLostIsSeen(t *testing.T) {
	wanted := parsed([]byte(`{"a":1,"b":[{"c":"x"}],"d":null}`))
	for text, lost := range map[string]int{
		`{"a":1,"b":[{"c":"x"}],"d":null,"e":2}`: 0,
		`{"a":2,"b":[{"c":"x"}],"d":null}`:       1,
		`{"a":1,"b":[],"d":null}`:                1,
		`{"a":1,"b":[{"c":"y"}]}`:                2,
		`[]`:                                     3,
	} {
		equal(t, len(missing("", wanted, parsed([]byte(text)))), lost)
	}
}

func TestMembersOfANewerLibraryArePassedOver(t *testing.T) {
	var network Network
	check(t, json.Unmarshal([]byte(`{"name":"a","colour":{"red":1}}`), &network))
	equal(t, network.Name, "a")
}
