/*
 * bulk DIRECTORY COUNT: as many containers joined in one call as in calls of their own, and how long
 * each way took.
 */
#define _POSIX_C_SOURCE 200809L
#include <netberth.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void check(int result, netberth_error *err)
{
    if (result == 0)
        return;
    fprintf(stderr, "bulk: %s\n", netberth_error_message(err));
    netberth_error_free(err);
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

/* Room for the longest that is written below. */
enum { ROOM = 160 };

static void one_by_one(netberth *nb, int count)
{
    for (int i = 0; i < count; i++) {
        netberth_error *err = NULL;
        char *id = NULL, *key = NULL, endpoint[ROOM], join[ROOM];

        snprintf(endpoint, sizeof endpoint, "{\"name\":\"a%d\"}", i);
        snprintf(join, sizeof join, "{\"container_id\":\"a%d\"}", i);
        check(netberth_endpoint_create(nb, "bulk", endpoint, &id, &err), err);
        check(netberth_join(nb, "bulk", id, join, &key, &err), err);
        netberth_string_free(key);
        netberth_string_free(id);
    }
}

static void at_once(netberth *nb, int count)
{
    netberth_error *err = NULL;
    char *results = NULL;
    char *request = malloc((size_t)count * ROOM + 3);
    char *end = request;

    if (request == NULL)
        exit(EXIT_FAILURE);
    for (int i = 0; i < count; i++)
        end += snprintf(end, ROOM,
                        "%c{\"network\":\"bulk\",\"endpoint\":{\"name\":\"b%d\"},"
                        "\"container\":{\"container_id\":\"b%d\"}}",
                        i == 0 ? '[' : ',', i, i);
    snprintf(end, 2, "]");
    check(netberth_join_many(nb, request, NETBERTH_ATOMIC, &results, &err), err);
    netberth_string_free(results);
    free(request);
}

static void remove_all(netberth *nb, char letter, int count)
{
    for (int i = 0; i < count; i++) {
        netberth_error *err = NULL;
        char name[ROOM];

        snprintf(name, sizeof name, "%c%d", letter, i);
        check(netberth_sandbox_delete(nb, name, 0, &err), err);
        check(netberth_endpoint_delete(nb, "bulk", name, 0, &err), err);
    }
}

int main(int argc, char **argv)
{
    netberth *nb = NULL;
    netberth_error *err = NULL;
    char *network = NULL, config[4096];
    int count = argc == 3 ? atoi(argv[2]) : 0;
    double began, single, together;

    if (count < 1 || count > 500) {
        fputs("usage: bulk DIRECTORY COUNT, of 1 to 500\n", stderr);
        return EXIT_FAILURE;
    }
    snprintf(config, sizeof config, "{\"state_dir\":\"%s/state\",\"run_dir\":\"%s/run\"}", argv[1],
             argv[1]);
    check(netberth_open(config, &nb, &err), err);
    check(netberth_network_create(
              nb, "{\"name\":\"bulk\",\"options\":{\"subnets\":[{\"subnet\":\"10.89.0.0/16\"}]}}",
              &network, &err), err);
    began = now();
    one_by_one(nb, count);
    single = now() - began;
    remove_all(nb, 'a', count);
    began = now();
    at_once(nb, count);
    together = now() - began;
    remove_all(nb, 'b', count);
    printf("%d containers: %.1f ms in calls of their own, %.1f ms in one\n", count, single, together);
    check(netberth_network_delete(nb, "bulk", 0, &err), err);
    netberth_string_free(network);
    netberth_close(nb);
    return EXIT_SUCCESS;
}
