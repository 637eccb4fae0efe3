/* Networks. */
#include "test.h"

#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define WEB "{\"name\":\"web\",\"options\":{\"subnets\":[{\"subnet\":\"10.88.1.0/24\"}]," \
            "\"bridge\":\"nb-test\",\"labels\":{\"owner\":\"c\"}}}"

static void refused(struct test *t)
{
    netberth_error *err = NULL;
    char *id = NULL;

    fails(netberth_network_create(t->nb, WEB, &id, &err), NETBERTH_KIND_EXISTS,
          "create network web: ");
    fails(netberth_network_create(
              t->nb, "{\"name\":\"y\",\"options\":{\"subnets\":[{\"subnet\":\"10.88.1.0/25\"}]}}",
              &id, &err),
          NETBERTH_KIND_EXISTS, "10.88.1.0/2");
    fails(netberth_network_create(t->nb, "{\"name\":\"y\",\"network_type\":\"host\"}", &id, &err),
          NETBERTH_KIND_DENIED, "host");
    fails(netberth_network_create(t->nb, "{\"name\":\"y\",\"network_type\":\"carrier\"}", &id, &err),
          NETBERTH_KIND_NOT_FOUND, "driver not found");
    fails(netberth_network_create(t->nb, "{\"name\":\"y\",\"options\":{\"bridge\":\"lo\"}}", &id,
                                  &err),
          NETBERTH_KIND_DENIED, "lo");
    check(id == NULL);
    fails(netberth_network_delete(t->nb, "bridge", 0, &err), NETBERTH_KIND_DENIED, "predefined");
    fails(netberth_network_delete(t->nb, "no-such", 0, &err), NETBERTH_KIND_NOT_FOUND, "no-such");
}

void test_network(struct test *t)
{
    netberth_error *err = NULL;
    char *id = NULL, *json = NULL, prefix[13], filter[64];

    group("networks");
    if (ok(netberth_network_list(t->nb, NULL, 0, &json, &err))) {
        check(strstr(json, "\"none\"") != NULL && strstr(json, "\"host\"") != NULL);
        check(says(&json, "\"bridge\""));
    }
    if (!ok(netberth_network_create(t->nb, WEB, &id, &err))) {
        return;
    }
    check(strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64);
    check(if_nametoindex("nb-test") != 0);

    if (ok(netberth_network_get(t->nb, "web", 0, &json, &err))) {
        check(strstr(json, id) != NULL && strstr(json, "\"options\"") == NULL);
        check(says(&json, "\"type\":\"bridge\""));
    }
    snprintf(prefix, sizeof prefix, "%.12s", id);
    if (ok(netberth_network_get(t->nb, prefix, NETBERTH_VERBOSE, &json, &err))) {
        check(strstr(json, "\"10.88.1.0/24\"") != NULL && strstr(json, "\"owner\":\"c\"") != NULL);
        check(says(&json, "\"nb-test\""));
    }
    snprintf(filter, sizeof filter, "{\"partial_id\":\"%s\"}", prefix);
    if (ok(netberth_network_list(t->nb, filter, 0, &json, &err))) {
        check(strstr(json, "\"bridge\",\"id\"") == NULL);
        check(says(&json, "\"web\""));
    }
    if (ok(netberth_network_list(t->nb, "{\"name\":\"nobody\"}", 0, &json, &err))) {
        check(strcmp(json, "[]") == 0);
        drop(&json);
    }
    fails(netberth_network_list(t->nb, "{\"name\":\"a\",\"network\":\"b\"}", 0, &json, &err),
          NETBERTH_KIND_INVALID, "unsupported query");
    refused(t);

    ok(netberth_network_delete(t->nb, id, 0, &err));
    fails(netberth_network_get(t->nb, id, 0, &json, &err), NETBERTH_KIND_NOT_FOUND, "not found");
    check(if_nametoindex("nb-test") == 0);
    drop(&id);
}
