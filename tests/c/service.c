/* Services. */
#include "test.h"

#include <net/if.h>
#include <stddef.h>
#include <string.h>

/* Two back ends, `clerk` and `boss`, of which one drains. */
static void several(struct test *t)
{
    netberth_error *err = NULL;
    char *key = NULL, *json = NULL;

    ok(netberth_service_attach(t->nb, "till", "{\"container_id\":\"boss\"}", &key, &err));
    if (ok(netberth_service_backends(t->nb, "till", 0, &json, &err))) {
        check(strcmp(json, "[{\"id\":\"clerk\"},{\"id\":\"boss\"}]") == 0);
        drop(&json);
    }
    ok(netberth_service_detach(t->nb, "till", "boss", NETBERTH_DRAIN, &err));
    check((interface_flags(key, "eth0") & IFF_UP) != 0);
    if (ok(netberth_service_backends(t->nb, "till", NETBERTH_VERBOSE, &json, &err))) {
        const char *boss = strstr(json, "\"boss\"");
        check(boss != NULL && strstr(boss, "\"state\":\"draining\"") != NULL);
        check(says(&json, "\"state\":\"attached\""));
    }
    drop(&key);
    ok(netberth_service_attach(t->nb, "till", "{\"container_id\":\"boss\"}", &key, &err));
    if (ok(netberth_service_backends(t->nb, "till", NETBERTH_VERBOSE, &json, &err))) {
        check(strstr(json, "draining") == NULL);
        drop(&json);
    }
    ok(netberth_service_detach(t->nb, "till", "boss", NETBERTH_DRAIN, &err));
    ok(netberth_service_detach(t->nb, "till", "boss", 0, &err));
    check(interface_flags(key, "eth0") == -1);
    drop(&key);
    fails(netberth_service_detach(t->nb, "till", "boss", NETBERTH_DRAIN, &err),
          NETBERTH_KIND_INVALID, "boss");
    /* Flags of other functions. */
    fails(netberth_service_detach(t->nb, "till", "clerk", NETBERTH_FORCE, &err),
          NETBERTH_KIND_INVALID, "flags");
    fails(netberth_service_detach(t->nb, "till", "clerk", NETBERTH_DRAIN | NETBERTH_VERBOSE, &err),
          NETBERTH_KIND_INVALID, "flags");
    fails(netberth_service_unpublish(t->nb, "till", NETBERTH_DRAIN, &err), NETBERTH_KIND_INVALID,
          "flags");
    fails(netberth_service_backends(t->nb, "till", NETBERTH_DRAIN, &json, &err),
          NETBERTH_KIND_INVALID, "flags");
    fails(netberth_service_publish(t->nb, "{\"name\":\"odd\",\"balance\":\"fair\"}", &json, &err),
          NETBERTH_KIND_INVALID, "fair");
    /* Two are detached by force. */
    ok(netberth_service_attach(t->nb, "till", "{\"container_id\":\"boss\"}", &key, &err));
    drop(&key);
}

void test_service(struct test *t)
{
    netberth_error *err = NULL;
    char *id = NULL, *key = NULL, *json = NULL;

    group("services");
    ok(netberth_network_create(t->nb, "{\"name\":\"shop\"}", &id, &err));
    drop(&id);
    if (!ok(netberth_service_publish(
            t->nb, "{\"name\":\"till\",\"network_name\":\"shop\",\"balance\":\"source\"}", &id,
            &err))) {
        return;
    }
    fails(netberth_service_publish(t->nb, "{\"name\":\"till\",\"network_name\":\"shop\"}", &json,
                                   &err),
          NETBERTH_KIND_EXISTS, "till");
    fails(netberth_service_publish(t->nb, "{\"name\":\"a\",\"network_name\":\"no-such\"}", &json,
                                   &err),
          NETBERTH_KIND_NOT_FOUND, "no-such");
    if (ok(netberth_service_get(t->nb, "till", NETBERTH_VERBOSE, &json, &err))) {
        check(strstr(json, id) != NULL && strstr(json, "\"backends\":[]") != NULL);
        check(says(&json, "\"balance\":\"source\""));
    }
    if (ok(netberth_service_list(t->nb, "{\"network\":\"shop\"}", 0, &json, &err))) {
        check(says(&json, "\"till\""));
    }
    if (ok(netberth_service_attach(t->nb, id, "{\"container_id\":\"clerk\"}", &key, &err))) {
        check((interface_flags(key, "eth0") & IFF_UP) != 0);
        if (ok(netberth_service_backends(t->nb, "till", 0, &json, &err))) {
            check(strcmp(json, "[{\"id\":\"clerk\"}]") == 0);
            drop(&json);
        }
        fails(netberth_service_attach(t->nb, "till", "{\"container_id\":\"clerk\"}", &json, &err),
              NETBERTH_KIND_INVALID, "clerk");
        fails(netberth_service_detach(t->nb, "till", "stranger", 0, &err), NETBERTH_KIND_INVALID,
              "stranger");
        fails(netberth_service_unpublish(t->nb, "till", 0, &err), NETBERTH_KIND_IN_USE, "clerk");
        ok(netberth_service_detach(t->nb, "till", "clerk", 0, &err));
        check(interface_flags(key, "eth0") == -1);
        drop(&key);
        ok(netberth_service_attach(t->nb, "till", "{\"container_id\":\"clerk\"}", &key, &err));
    }
    several(t);
    ok(netberth_service_unpublish(t->nb, "till", NETBERTH_FORCE, &err));
    fails(netberth_service_backends(t->nb, "till", 0, &json, &err), NETBERTH_KIND_NOT_FOUND,
          "till");
    ok(netberth_sandbox_delete(t->nb, "clerk", 0, &err));
    ok(netberth_sandbox_delete(t->nb, "boss", 0, &err));
    ok(netberth_network_delete(t->nb, "shop", 0, &err));
    drop(&key);
    drop(&id);
}
