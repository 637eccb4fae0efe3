/* Whether all is as it was made. */
#include "test.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void test_verify(struct test *t)
{
    netberth_error *err = NULL;
    char *json = NULL, *id = NULL;

    group("differences");
    if (ok(netberth_verify(t->nb, 0, &json, &err))) {
        check(strcmp(json, "{\"differences\":[]}") == 0);
        drop(&json);
    }
    if (ok(netberth_network_create(t->nb, "{\"name\":\"seen\",\"options\":{\"bridge\":\"nb-seen\"}}",
                                   &id, &err))) {
        check(system("nft 'delete element inet netberth br { \"nb-seen\" }'") == 0);
        if (ok(netberth_verify(t->nb, 0, &json, &err))) {
            check(strstr(json, "{\"differences\":[{\"owner\":{\"kind\":\"network\",") == json);
            check(strstr(json, id) != NULL);
            check(strstr(json, "\"name\":\"seen\"") != NULL);
            check(says(&json, "\"found\":\"nothing\""));
        }
        if (ok(netberth_plan(t->nb, "{\"verb\":\"repair\"}", &json, &err))) {
            check(says(&json, "add element inet netberth br"));
        }
        if (ok(netberth_repair(t->nb, 0, &json, &err))) {
            check(strstr(json, "{\"repaired\":[{\"owner\":{\"kind\":\"network\",") == json);
            check(says(&json, "\"differences\":[]}"));
        }
        if (ok(netberth_repair(t->nb, 0, &json, &err))) {
            check(says(&json, "{\"repaired\":[],\"differences\":[]}"));
        }
        drop(&id);
        ok(netberth_network_delete(t->nb, "seen", 0, &err));
    }
    if (ok(netberth_verify(t->nb, 0, &json, &err))) {
        check(says(&json, "{\"differences\":[]}"));
    }
    fails(netberth_verify(t->nb, 1, &json, &err), NETBERTH_KIND_INVALID, "flag");
    fails(netberth_verify(NULL, 0, &json, &err), NETBERTH_KIND_INVALID, "NULL");
    fails(netberth_verify(t->nb, 0, NULL, &err), NETBERTH_KIND_INVALID, "NULL");
    check(json == NULL);

    group("collection");
    if (ok(netberth_gc(t->nb, 0, &json, &err))) {
        check(says(&json, "{\"collected\":[]}"));
    }
    if (ok(netberth_plan(t->nb, "{\"verb\":\"gc\"}", &json, &err))) {
        check(says(&json, "{\"plan\":[]}"));
    }
    fails(netberth_repair(t->nb, 1, &json, &err), NETBERTH_KIND_INVALID, "flag");
    fails(netberth_gc(t->nb, 1, &json, &err), NETBERTH_KIND_INVALID, "flag");
    fails(netberth_gc(NULL, 0, &json, &err), NETBERTH_KIND_INVALID, "NULL");
    fails(netberth_repair(t->nb, 0, NULL, &err), NETBERTH_KIND_INVALID, "NULL");
    check(json == NULL);
}
