/* Endpoints: addresses, and the containers joined to them. */
#include "test.h"

#include <net/if.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define NETWORK "{\"name\":\"farm\",\"options\":{\"subnets\":[{\"subnet\":\"10.88.2.0/24\"}]}}"
#define FIXED "{\"name\":\"fixed\",\"ipv4_address\":\"10.88.2.77\",\"aliases\":[\"also\"]}"

static void joined(struct test *t)
{
    netberth_error *err = NULL;
    char *one = NULL, *two = NULL, *json = NULL;

    if (!ok(netberth_join(t->nb, "farm", "first", "{\"container_id\":\"cow\"}", &one, &err)) ||
        !ok(netberth_join(t->nb, "farm", "fixed",
                          "{\"container_id\":\"pig\",\"interface_name\":\"snout\"}", &two, &err))) {
        drop(&one);
        return;
    }
    check(strncmp(one, t->directory, strlen(t->directory)) == 0);
    check(strcmp(strrchr(one, '/'), "/cow") == 0);
    check((interface_flags(one, "eth0") & IFF_UP) != 0);
    check((interface_flags(one, "lo") & IFF_UP) != 0);
    check(has_address(one, "eth0", "10.88.2.2"));
    check(has_address(two, "snout", "10.88.2.77"));
    check(reaches(one, two, "10.88.2.77"));
    check(reaches(two, one, "10.88.2.2"));
    if (ok(netberth_endpoint_get(t->nb, "farm", "first", NETBERTH_VERBOSE, &json, &err))) {
        check(strstr(json, "\"container\":\"cow\"") != NULL && strstr(json, one) != NULL);
        check(says(&json, "\"10.88.2.2/24\""));
    }
    fails(netberth_join(t->nb, "farm", "first", "{\"container_id\":\"cow\"}", &json, &err),
          NETBERTH_KIND_INVALID, "join cow to first of network farm: ");
    fails(netberth_join(t->nb, "farm", "first", "{\"container_id\":\"dog\"}", &json, &err),
          NETBERTH_KIND_INVALID, "cow");
    fails(netberth_detach(t->nb, "farm", "first", "pig", 0, &err), NETBERTH_KIND_INVALID,
          "not joined");
    fails(netberth_endpoint_delete(t->nb, "farm", "first", 0, &err), NETBERTH_KIND_IN_USE, "cow");
    fails(netberth_network_delete(t->nb, "farm", 0, &err), NETBERTH_KIND_IN_USE,
          "active endpoints: first, fixed");

    ok(netberth_detach(t->nb, "farm", "first", "cow", 0, &err));
    check(interface_flags(one, "eth0") == -1);
    ok(netberth_join(t->nb, "farm", "first", "{\"container_id\":\"cow\"}", &json, &err));
    check(json != NULL && strcmp(json, one) == 0);
    check(has_address(one, "eth0", "10.88.2.2"));
    drop(&json);
    drop(&one);
    drop(&two);
}

void test_endpoint(struct test *t)
{
    netberth_error *err = NULL;
    char *id = NULL, *json = NULL;

    group("endpoints");
    if (!ok(netberth_network_create(t->nb, NETWORK, &id, &err))) {
        return;
    }
    drop(&id);
    ok(netberth_endpoint_create(t->nb, "farm", "{\"name\":\"first\"}", &id, &err));
    if (ok(netberth_endpoint_get(t->nb, "farm", id, 0, &json, &err))) {
        check(says(&json, "\"network\":\"farm\""));
    }
    drop(&id);
    ok(netberth_endpoint_create(t->nb, "farm", FIXED, &id, &err));
    drop(&id);
    fails(netberth_endpoint_create(t->nb, "farm", "{\"name\":\"first\"}", &id, &err),
          NETBERTH_KIND_EXISTS, "first");
    fails(netberth_endpoint_create(
              t->nb, "farm", "{\"name\":\"z\",\"ipv4_address\":\"10.88.2.77\"}", &id, &err),
          NETBERTH_KIND_EXISTS, "fixed");
    fails(netberth_endpoint_create(
              t->nb, "farm", "{\"name\":\"z\",\"ipv4_address\":\"192.0.2.1\"}", &id, &err),
          NETBERTH_KIND_INVALID, "192.0.2.1");
    fails(netberth_endpoint_create(t->nb, "no-such", "{\"name\":\"z\"}", &id, &err),
          NETBERTH_KIND_NOT_FOUND, "no-such");
    if (ok(netberth_endpoint_list(t->nb, "farm", NULL, 0, &json, &err))) {
        check(strstr(json, "\"first\"") < strstr(json, "\"fixed\""));
        drop(&json);
    }
    if (ok(netberth_endpoint_list(t->nb, "farm", "{\"name\":\"fixed\"}", 1, &json, &err))) {
        check(strstr(json, "\"first\"") == NULL);
        check(says(&json, "\"aliases\":[\"also\"]"));
    }
    joined(t);
    ok(netberth_endpoint_delete(t->nb, "farm", "first", NETBERTH_FORCE, &err));
    ok(netberth_endpoint_delete(t->nb, "farm", "fixed", NETBERTH_FORCE, &err));
    fails(netberth_endpoint_get(t->nb, "farm", "first", 0, &json, &err), NETBERTH_KIND_NOT_FOUND,
          "first");
    ok(netberth_sandbox_delete(t->nb, "cow", 0, &err));
    ok(netberth_sandbox_delete(t->nb, "pig", 0, &err));
    ok(netberth_network_delete(t->nb, "farm", 0, &err));
}
