/* Rehearsals. */
#include "test.h"

#include <net/if.h>
#include <stddef.h>
#include <string.h>

void test_plan(struct test *t)
{
    netberth_error *err = NULL;
    char *plan = NULL, *json = NULL;

    group("rehearsals");
    if (ok(netberth_plan(t->nb,
                         "[{\"verb\":\"network_create\",\"request\":{\"name\":\"dream\","
                         "\"options\":{\"bridge\":\"nb-dream\"}}},"
                         "{\"verb\":\"endpoint_create\",\"network\":\"dream\","
                         "\"request\":{\"name\":\"e\"}},"
                         "{\"verb\":\"join\",\"network\":\"dream\",\"endpoint\":\"e\","
                         "\"request\":{\"container_id\":\"c\"}},"
                         "{\"verb\":\"detach\",\"network\":\"dream\",\"endpoint\":\"e\","
                         "\"container\":\"c\"}]",
                         &plan, &err))) {
        check(strncmp(plan, "{\"plan\":[\"", 10) == 0);
        check(strstr(plan, "eth0") != NULL);
        check(says(&plan, "ip link add nb-dream "));
    }
    check(if_nametoindex("nb-dream") == 0);
    fails(netberth_network_get(t->nb, "dream", 0, &json, &err), NETBERTH_KIND_NOT_FOUND, "dream");
    fails(netberth_plan(t->nb, "{\"verb\":\"network_delete\",\"network\":\"dream\"}", &plan, &err),
          NETBERTH_KIND_NOT_FOUND, "dream");
    fails(netberth_plan(t->nb, "{\"verb\":\"dance\"}", &plan, &err), NETBERTH_KIND_INVALID, "dance");
    fails(netberth_plan(t->nb, "{\"verb\":\"network_delete\"}", &plan, &err), NETBERTH_KIND_INVALID,
          "network is required");
    fails(netberth_plan(t->nb,
                        "{\"verb\":\"network_create\",\"request\":{\"name\":\"a\"},\"force\":true}",
                        &plan, &err),
          NETBERTH_KIND_INVALID, "force");
    fails(netberth_plan(t->nb, "{\"verb\":\"network_create\",\"request\":{\"colour\":1}}", &plan,
                        &err),
          NETBERTH_KIND_INVALID, "request: unknown key `colour`");
    check(plan == NULL);
}
