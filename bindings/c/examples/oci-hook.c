/*
 * oci-hook: gives a container of runc or crun its network, and takes it away.
 *
 * It is run by the container's runtime, as hooks `createRuntime` and `poststop`, with the state of the
 * container as JSON on standard input (OCI runtime specification, "State"). Its annotations say where
 * the container belongs:
 *
 *     netberth.network   the network, by name or id; without it nothing is done
 *     netberth.ports     a "port_mapping", for example [{"proto":"tcp","port":80,"host_port":8080}]
 *
 * The container's config.json:
 *
 *     "linux": {"namespaces": [{"type": "network"}, ...]},
 *     "hooks": {"createRuntime": [{"path": "/usr/lib/netberth/oci-hook", "args": ["oci-hook"]}],
 *               "poststop":      [{"path": "/usr/lib/netberth/oci-hook", "args": ["oci-hook"]}]}
 *
 * An argument is the configuration of netberth_open(), for example {"state_dir":"/srv/netberth"}.
 *
 * A hook that fails keeps the container from starting, and what it prints is what the runtime shows.
 * So everything is undone before it fails, and it fails with one line.
 */
#include <jansson.h>
#include <netberth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the runtime says of the container, as far as it matters here. */
struct container {
    const char *id;
    const char *network; /* NULL: none of our business */
    const char *ports;   /* JSON, or NULL */
    json_int_t pid;      /* 0 when the container has ended */
};

static int complain(const char *doing, netberth_error *err)
{
    fprintf(stderr, "oci-hook: %s: %s\n", doing, netberth_error_message(err));
    netberth_error_free(err);
    return EXIT_FAILURE;
}

/* What the texts in it point to belongs to `state`. */
static int read_state(json_t *state, struct container *container)
{
    json_t *notes = json_object_get(state, "annotations");

    container->id = json_string_value(json_object_get(state, "id"));
    container->pid = json_integer_value(json_object_get(state, "pid"));
    container->network = json_string_value(json_object_get(notes, "netberth.network"));
    container->ports = json_string_value(json_object_get(notes, "netberth.ports"));
    return container->id != NULL ? 0 : -1;
}

/* The endpoint has the container's id for a name, so that poststop finds it without a record. */
static char *endpoint_request(const struct container *container)
{
    json_t *request = json_pack("{s:s}", "name", container->id);
    char *text;

    if (container->ports != NULL) {
        json_error_t why;
        json_t *ports = json_loads(container->ports, 0, &why);
        if (ports == NULL) {
            fprintf(stderr, "oci-hook: netberth.ports: %s\n", why.text);
            json_decref(request);
            return NULL;
        }
        json_object_set_new(request, "port_mapping", ports);
    }
    text = json_dumps(request, 0);
    json_decref(request);
    return text;
}

static int attach(netberth *nb, const struct container *container)
{
    netberth_error *err = NULL;
    char *endpoint = endpoint_request(container);
    json_t *join = json_pack("{s:s, s:I, s:s}", "container_id", container->id, "pid", container->pid,
                             "host_name", container->id);
    char *request = json_dumps(join, 0);
    char *id = NULL, *key = NULL;
    int status = EXIT_FAILURE;

    if (endpoint == NULL || request == NULL) {
        /* said already, or there is no memory to say it with */
    } else if (netberth_endpoint_create(nb, container->network, endpoint, &id, &err) != 0) {
        status = complain("create an endpoint", err);
    } else if (netberth_join(nb, container->network, id, request, &key, &err) != 0) {
        status = complain("join", err);
        err = NULL;
        if (netberth_endpoint_delete(nb, container->network, id, 0, &err) != 0)
            complain("delete the endpoint again", err);
    } else {
        status = EXIT_SUCCESS;
    }
    netberth_string_free(key);
    netberth_string_free(id);
    json_decref(join);
    free(request);
    free(endpoint);
    return status;
}

/* Both are tried, and that something is gone already is no failure: a hook may be run twice. */
static int leave(netberth *nb, const struct container *container)
{
    netberth_error *err = NULL;
    int status = EXIT_SUCCESS;

    if (netberth_sandbox_delete(nb, container->id, 0, &err) != 0) {
        if (netberth_error_code(err) != NETBERTH_KIND_NOT_FOUND)
            status = complain("delete the sandbox", err);
        else
            netberth_error_free(err);
    }
    err = NULL;
    if (netberth_endpoint_delete(nb, container->network, container->id, 0, &err) != 0) {
        if (netberth_error_code(err) != NETBERTH_KIND_NOT_FOUND)
            status = complain("delete the endpoint", err);
        else
            netberth_error_free(err);
    }
    return status;
}

int main(int argc, char **argv)
{
    netberth *nb = NULL;
    netberth_error *err = NULL;
    struct container container;
    json_error_t why;
    json_t *state = json_loadf(stdin, 0, &why);
    int status = EXIT_SUCCESS;

    if (state == NULL || read_state(state, &container) != 0) {
        fprintf(stderr, "oci-hook: the state on standard input: %s\n",
                state == NULL ? why.text : "it has no id");
        json_decref(state);
        return EXIT_FAILURE;
    }
    if (container.network != NULL) {
        if (netberth_open(argc > 1 ? argv[1] : NULL, &nb, &err) != 0)
            status = complain("open", err);
        else
            status = container.pid != 0 ? attach(nb, &container) : leave(nb, &container);
        netberth_close(nb);
    }
    json_decref(state);
    return status;
}
