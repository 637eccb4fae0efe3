/* The C door of tests/parity: verbs as JSON lines come in, answers as JSON lines go out. */
#define _GNU_SOURCE
#include <jansson.h>
#include <netberth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text(json_t *step, const char *key)
{
    return json_string_value(json_object_get(step, key));
}

static uint32_t flags(json_t *step)
{
    static const struct {
        const char *name;
        uint32_t flag;
    } known[] = {{"verbose", NETBERTH_VERBOSE}, {"force", NETBERTH_FORCE},
                 {"drain", NETBERTH_DRAIN},     {"atomic", NETBERTH_ATOMIC}};
    uint32_t all = 0;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (json_is_true(json_object_get(step, known[i].name)))
            all |= known[i].flag;
    return all;
}

/* The answer to one step: *out is the library's text, NULL where a verb has none. */
static int call(netberth *nb, json_t *step, const char *request, const char *filter, char **out,
                netberth_error **err)
{
    const char *verb = text(step, "verb"), *network = text(step, "network");
    const char *endpoint = text(step, "endpoint"), *service = text(step, "service");
    const char *container = text(step, "container");
    uint32_t f = flags(step);
#define IS(name) (strcmp(verb, name) == 0)

    if (IS("network_create"))
        return netberth_network_create(nb, request, out, err);
    if (IS("network_get"))
        return netberth_network_get(nb, network, f, out, err);
    if (IS("network_list"))
        return netberth_network_list(nb, filter, f, out, err);
    if (IS("network_delete"))
        return netberth_network_delete(nb, network, f, err);
    if (IS("endpoint_create"))
        return netberth_endpoint_create(nb, network, request, out, err);
    if (IS("endpoint_get"))
        return netberth_endpoint_get(nb, network, endpoint, f, out, err);
    if (IS("endpoint_list"))
        return netberth_endpoint_list(nb, network, filter, f, out, err);
    if (IS("endpoint_delete"))
        return netberth_endpoint_delete(nb, network, endpoint, f, err);
    if (IS("join"))
        return netberth_join(nb, network, endpoint, request, out, err);
    if (IS("join_many"))
        return netberth_join_many(nb, request, f, out, err);
    if (IS("detach"))
        return netberth_detach(nb, network, endpoint, container, f, err);
    if (IS("sandbox_get"))
        return netberth_sandbox_get(nb, container, f, out, err);
    if (IS("sandbox_list"))
        return netberth_sandbox_list(nb, filter, f, out, err);
    if (IS("sandbox_delete"))
        return netberth_sandbox_delete(nb, container, f, err);
    if (IS("service_publish"))
        return netberth_service_publish(nb, request, out, err);
    if (IS("service_get"))
        return netberth_service_get(nb, service, f, out, err);
    if (IS("service_list"))
        return netberth_service_list(nb, filter, f, out, err);
    if (IS("service_unpublish"))
        return netberth_service_unpublish(nb, service, f, err);
    if (IS("service_attach"))
        return netberth_service_attach(nb, service, request, out, err);
    if (IS("service_backends"))
        return netberth_service_backends(nb, service, f, out, err);
    if (IS("service_detach"))
        return netberth_service_detach(nb, service, container, f, err);
    if (IS("verify"))
        return netberth_verify(nb, f, out, err);
    if (IS("repair"))
        return netberth_repair(nb, f, out, err);
    if (IS("gc"))
        return netberth_gc(nb, f, out, err);
    fprintf(stderr, "no verb %s\n", verb);
    exit(EXIT_FAILURE);
}

/* Plain text, such as an id, is a JSON string at the other doors. */
static json_t *answer(const char *out)
{
    json_t *value = out == NULL ? json_null() : json_loads(out, JSON_DECODE_ANY, NULL);

    return value != NULL ? value : json_string(out);
}

static json_t *plan_of(json_t *step)
{
    json_t *plan = json_deep_copy(step);

    json_object_del(plan, "dry");
    return plan;
}

int main(int argc, char **argv)
{
    netberth *nb = NULL;
    netberth_error *err = NULL;
    char config[4096], *line = NULL;
    size_t room = 0;

    snprintf(config, sizeof config, "{\"state_dir\":\"%s/state\",\"run_dir\":\"%s/run\"}",
             argv[argc - 1], argv[argc - 1]);
    if (netberth_open(config, &nb, &err) != 0) {
        fprintf(stderr, "%s\n", netberth_error_message(err));
        return EXIT_FAILURE;
    }
    while (getline(&line, &room, stdin) > 0) {
        json_t *step = json_loads(line, 0, NULL), *reply;
        json_t *asked = json_object_get(step, "request");
        char *request = text(step, "raw") != NULL ? strdup(text(step, "raw"))
                                                  : json_dumps(asked, JSON_COMPACT);
        char *filter = json_dumps(json_object_get(step, "filter"), JSON_COMPACT);
        char *out = NULL;
        int failed;

        err = NULL;
        if (json_is_true(json_object_get(step, "dry"))) {
            json_t *plan = plan_of(step);
            char *verbs = json_dumps(plan, JSON_COMPACT);
            failed = netberth_plan(nb, verbs, &out, &err);
            free(verbs);
            json_decref(plan);
        } else {
            failed = call(nb, step, request, filter, &out, &err);
        }
        reply = failed ? json_pack("{s:o}", "error", json_loads(netberth_error_json(err), 0, NULL))
                       : json_pack("{s:o}", "ok", answer(out));
        json_dumpf(reply, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        netberth_error_free(err);
        netberth_string_free(out);
        free(filter);
        free(request);
        json_decref(reply);
        json_decref(step);
    }
    free(line);
    netberth_close(nb);
    return EXIT_SUCCESS;
}
