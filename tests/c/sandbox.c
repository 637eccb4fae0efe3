/* Sandboxes: namespaces that netberth makes, and those that it is given. */
#include "test.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void make(struct test *t, const char *network)
{
    netberth_error *err = NULL;
    char *id = NULL, request[64];

    snprintf(request, sizeof request, "{\"name\":\"%s\"}", network);
    ok(netberth_network_create(t->nb, request, &id, &err));
    drop(&id);
    ok(netberth_endpoint_create(t->nb, network, "{\"name\":\"door\"}", &id, &err));
    drop(&id);
}

static void unmake(struct test *t, const char *network)
{
    netberth_error *err = NULL;
    ok(netberth_endpoint_delete(t->nb, network, "door", 0, &err));
    ok(netberth_network_delete(t->nb, network, 0, &err));
}

static void owned(struct test *t)
{
    netberth_error *err = NULL;
    char *key = NULL, *json = NULL;

    ok(netberth_join(t->nb, "left", "door", "{\"container_id\":\"box\"}", &json, &err));
    drop(&json);
    if (!ok(netberth_join(t->nb, "right", "door", "{\"container_id\":\"box\"}", &key, &err))) {
        return;
    }
    check((interface_flags(key, "eth0") & IFF_UP) && (interface_flags(key, "eth1") & IFF_UP));
    if (ok(netberth_sandbox_get(t->nb, "box", 0, &json, &err))) {
        check(strstr(json, key) != NULL && strstr(json, "\"network\":\"right\"") != NULL);
        check(says(&json, "\"owned\":true"));
    }
    if (ok(netberth_sandbox_list(t->nb, NULL, 0, &json, &err))) {
        check(says(&json, "\"container_id\":\"box\""));
    }
    ok(netberth_sandbox_delete(t->nb, "box", 0, &err));
    check(access(key, F_OK) != 0);
    fails(netberth_sandbox_get(t->nb, "box", 0, &json, &err), NETBERTH_KIND_NOT_FOUND, "box");
    fails(netberth_sandbox_delete(t->nb, "box", 0, &err), NETBERTH_KIND_NOT_FOUND, "box");
    fails(netberth_sandbox_get(t->nb, "../box", 0, &json, &err), NETBERTH_KIND_INVALID, "../box");
    fails(netberth_sandbox_list(t->nb, "{\"name\":\"a\"}", 0, &json, &err), NETBERTH_KIND_INVALID,
          "no filter");
    drop(&key);
}

static void given(struct test *t)
{
    netberth_error *err = NULL;
    char *key = NULL, *json = NULL, path[64], request[160];
    int fd = new_namespace(path, sizeof path);

    if (!check(fd >= 0)) {
        return;
    }
    snprintf(request, sizeof request, "{\"container_id\":\"guest\",\"netns\":\"%s\"}", path);
    if (ok(netberth_join(t->nb, "left", "door", request, &key, &err))) {
        check(strcmp(key, path) == 0);
        check((interface_flags(path, "eth0") & IFF_UP) != 0);
        if (ok(netberth_sandbox_get(t->nb, "guest", 0, &json, &err))) {
            check(says(&json, "\"owned\":false"));
        }
        ok(netberth_sandbox_delete(t->nb, "guest", 0, &err));
        check(interface_flags(path, "eth0") == -1 && interface_flags(path, "lo") >= 0);
    }
    drop(&key);
    close(fd);
}

void test_sandbox(struct test *t)
{
    netberth_error *err = NULL;
    char *json = NULL;

    group("sandboxes");
    make(t, "left");
    make(t, "right");
    owned(t);
    given(t);
    unmake(t, "left");
    unmake(t, "right");
    if (ok(netberth_sandbox_list(t->nb, "{}", 0, &json, &err))) {
        check(strcmp(json, "[]") == 0);
        drop(&json);
    }
}
