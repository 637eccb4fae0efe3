/* Many joins in one call. */
#include "test.h"

#include <stddef.h>
#include <string.h>

static const char two[] =
    "[{\"endpoint\":{\"name\":\"b1\"},\"container\":{\"container_id\":\"many1\"}},"
    "{\"endpoint\":{\"name\":\"b2\"},\"container\":{\"container_id\":\"many2\"}}]";
static const char twice[] =
    "[{\"endpoint\":{\"name\":\"b3\"},\"container\":{\"container_id\":\"many3\"}},"
    "{\"endpoint\":{\"name\":\"b3\"},\"container\":{\"container_id\":\"many4\"}}]";

void test_bulk(struct test *t)
{
    netberth_error *err = NULL;
    char *json = NULL;

    group("many joins");
    if (ok(netberth_join_many(t->nb, two, NETBERTH_ATOMIC, &json, &err))) {
        check(strstr(json, "\"endpoint\":") != NULL);
        check(says(&json, "netns/many2"));
    }
    fails(netberth_join_many(t->nb, twice, NETBERTH_ATOMIC, &json, &err), NETBERTH_KIND_EXISTS,
          "joins[1]");
    check(json == NULL);
    if (ok(netberth_join_many(t->nb, twice, 0, &json, &err))) {
        check(strstr(json, "netns/many3") != NULL);
        check(says(&json, "\"kind\":\"exists\""));
    }
    fails(netberth_join_many(t->nb, two, NETBERTH_FORCE, &json, &err), NETBERTH_KIND_INVALID,
          "flags");
    fails(netberth_join_many(t->nb, "{}", 0, &json, &err), NETBERTH_KIND_INVALID, "");
    ok(netberth_sandbox_delete(t->nb, "many1", 0, &err));
    ok(netberth_sandbox_delete(t->nb, "many2", 0, &err));
    ok(netberth_sandbox_delete(t->nb, "many3", 0, &err));
    ok(netberth_endpoint_delete(t->nb, "bridge", "b1", 0, &err));
    ok(netberth_endpoint_delete(t->nb, "bridge", "b2", 0, &err));
    ok(netberth_endpoint_delete(t->nb, "bridge", "b3", 0, &err));
}
