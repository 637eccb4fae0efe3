/*
 * service DIRECTORY: two containers behind one address; the service is drained and taken away.
 *
 * Prints what is behind the service after each change, as the JSON documents of the library.
 */
#include <netberth.h>
#include <stdio.h>
#include <stdlib.h>

static void check(int result, netberth_error *err)
{
    if (result == 0)
        return;
    fprintf(stderr, "service: %s\n", netberth_error_message(err));
    netberth_error_free(err);
    exit(EXIT_FAILURE);
}

static void attach(netberth *nb, const char *container)
{
    netberth_error *err = NULL;
    char *key = NULL, request[64];

    snprintf(request, sizeof request, "{\"container_id\":\"%s\"}", container);
    check(netberth_service_attach(nb, "web", request, &key, &err), err);
    printf("%s is attached: %s\n", container, key);
    netberth_string_free(key);
}

static void show(netberth *nb)
{
    netberth_error *err = NULL;
    char *json = NULL;

    check(netberth_service_backends(nb, "web", NETBERTH_VERBOSE, &json, &err), err);
    printf("behind web: %s\n", json);
    netberth_string_free(json);
}

int main(int argc, char **argv)
{
    netberth *nb = NULL;
    netberth_error *err = NULL;
    char *network = NULL, *service = NULL, config[4096];
    const char *publish = "{\"name\":\"web\",\"network_name\":\"example\","
                          "\"port_mapping\":[{\"proto\":\"tcp\",\"port\":8080,\"host_port\":80}]}";

    if (argc != 2) {
        fputs("usage: service DIRECTORY\n", stderr);
        return EXIT_FAILURE;
    }
    snprintf(config, sizeof config, "{\"state_dir\":\"%s/state\",\"run_dir\":\"%s/run\"}", argv[1],
             argv[1]);
    check(netberth_open(config, &nb, &err), err);
    check(netberth_network_create(nb, "{\"name\":\"example\"}", &network, &err), err);
    check(netberth_service_publish(nb, publish, &service, &err), err);
    attach(nb, "c1");
    attach(nb, "c2");
    show(nb);
    /* Connections that c1 has are kept; new ones go to c2. */
    check(netberth_service_detach(nb, "web", "c1", NETBERTH_DRAIN, &err), err);
    show(nb);
    check(netberth_sandbox_delete(nb, "c1", 0, &err), err);
    check(netberth_sandbox_delete(nb, "c2", 0, &err), err);
    check(netberth_service_unpublish(nb, "web", 0, &err), err);
    check(netberth_network_delete(nb, "example", 0, &err), err);
    netberth_string_free(service);
    netberth_string_free(network);
    netberth_close(nb);
    return EXIT_SUCCESS;
}
