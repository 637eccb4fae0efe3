/* The handle: versions, messages, threads, forks. */
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4, ROUNDS = 3 };

struct heard {
    netberth *nb;
    int infos, lines, others, inner;
    pthread_t thread;
};

/* Calls netberth again, which it may. */
static void listen(int level, const char *message, void *user)
{
    struct heard *heard = (struct heard *)user;
    char *json = NULL;

    heard->infos += level == NETBERTH_LOG_INFO && strstr(message, "network loud") != NULL;
    heard->lines += level == NETBERTH_LOG_DEBUG && strstr(message, "ip link add nb-loud") != NULL;
    heard->others += strchr(message, '\n') != NULL || !pthread_equal(pthread_self(), heard->thread);
    if (netberth_network_list(heard->nb, NULL, 0, &json, NULL) == 0) {
        heard->inner += 1;
        netberth_string_free(json);
    }
}

static void messages(struct test *t)
{
    netberth_error *err = NULL;
    struct heard heard;
    char *id = NULL;
    int before;

    memset(&heard, 0, sizeof heard);
    heard.nb = t->nb;
    heard.thread = pthread_self();
    ok(netberth_set_log(t->nb, listen, &heard, &err));
    ok(netberth_network_create(
        t->nb, "{\"name\":\"loud\",\"options\":{\"bridge\":\"nb-loud\"}}", &id, &err));
    drop(&id);
    check(heard.infos == 1 && heard.lines >= 1 && heard.others == 0 && heard.inner >= 2);
    before = heard.inner;
    ok(netberth_set_log(t->nb, NULL, NULL, &err));
    ok(netberth_network_delete(t->nb, "loud", 0, &err));
    check(heard.inner == before);
    fails(netberth_set_log(NULL, listen, NULL, &err), NETBERTH_KIND_INVALID, "nb is NULL");
}

struct worker {
    struct test *t;
    int number;
};

/* The whole life of a container, on a handle that others use as well. */
static void *work(void *argument)
{
    const struct worker *worker = (const struct worker *)argument;
    netberth *nb = worker->t->nb;
    netberth_error *err = NULL;
    char endpoint[32], container[32], request[64], join[64], *out = NULL;
    int round;

    snprintf(endpoint, sizeof endpoint, "e%d", worker->number);
    snprintf(container, sizeof container, "c%d", worker->number);
    snprintf(request, sizeof request, "{\"name\":\"%s\"}", endpoint);
    snprintf(join, sizeof join, "{\"container_id\":\"%s\"}", container);
    for (round = 0; round < ROUNDS; round++) {
        ok(netberth_endpoint_create(nb, "crowd", request, &out, &err));
        drop(&out);
        if (ok(netberth_join(nb, "crowd", endpoint, join, &out, &err))) {
            check(interface_flags(out, "eth0") > 0);
            drop(&out);
        }
        ok(netberth_endpoint_get(nb, "crowd", endpoint, NETBERTH_VERBOSE, &out, &err));
        check(says(&out, container));
        ok(netberth_detach(nb, "crowd", endpoint, container, 0, &err));
        ok(netberth_sandbox_delete(nb, container, 0, &err));
        ok(netberth_endpoint_delete(nb, "crowd", endpoint, 0, &err));
        fails(netberth_endpoint_get(nb, "crowd", endpoint, 0, &out, &err), NETBERTH_KIND_NOT_FOUND,
              endpoint);
    }
    return NULL;
}

static void shared(struct test *t)
{
    netberth_error *err = NULL;
    pthread_t threads_of[WORKERS];
    struct worker workers[WORKERS];
    char *id = NULL, *json = NULL;
    int number;

    ok(netberth_network_create(t->nb, "{\"name\":\"crowd\"}", &id, &err));
    drop(&id);
    for (number = 0; number < WORKERS; number++) {
        workers[number].t = t;
        workers[number].number = number;
        if (!check(pthread_create(&threads_of[number], NULL, work, &workers[number]) == 0)) {
            exit(1);
        }
    }
    for (number = 0; number < WORKERS; number++) {
        pthread_join(threads_of[number], NULL);
    }
    ok(netberth_endpoint_list(t->nb, "crowd", NULL, 0, &json, &err));
    check(json != NULL && strcmp(json, "[]") == 0);
    drop(&json);
    ok(netberth_network_delete(t->nb, "crowd", 0, &err));
}

/* A child opens a handle of its own while its parent has one. */
static int child(const struct test *t)
{
    netberth *own = NULL;
    char *id = NULL, *key = NULL;
    int code = open_here(t, &own, NULL);

    if (code == 0) {
        code = netberth_network_create(own, "{\"name\":\"nest\"}", &id, NULL);
        netberth_string_free(id);
    }
    if (code == 0) {
        code = netberth_endpoint_create(own, "nest", "{\"name\":\"egg\"}", &key, NULL);
        netberth_string_free(key);
        key = NULL;
    }
    if (code == 0) {
        code = netberth_join(own, "nest", "egg", "{\"container_id\":\"chick\"}", &key, NULL);
        netberth_string_free(key);
    }
    netberth_close(own);
    return -code;
}

static void forked(struct test *t)
{
    netberth_error *err = NULL;
    char *json = NULL;
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(child(t));
    }
    if (!check(pid > 0 && waitpid(pid, &status, 0) == pid)) {
        return;
    }
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (ok(netberth_sandbox_get(t->nb, "chick", 0, &json, &err))) {
        check(says(&json, "\"network\":\"nest\""));
    }
    ok(netberth_sandbox_delete(t->nb, "chick", 0, &err));
    ok(netberth_endpoint_delete(t->nb, "nest", "egg", 0, &err));
    ok(netberth_network_delete(t->nb, "nest", 0, &err));
}

static void versions(void)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", NETBERTH_VERSION_MAJOR, NETBERTH_VERSION_MINOR,
             NETBERTH_VERSION_PATCH);
    check(strcmp(text, NETBERTH_VERSION) == 0 && strcmp(text, netberth_version()) == 0);
    check(netberth_abi_version() == NETBERTH_ABI);
}

static void twice(struct test *t)
{
    netberth_error *err = NULL;
    netberth *second = NULL;
    char *id = NULL, *json = NULL;

    if (ok(open_here(t, &second, &err))) {
        ok(netberth_network_create(second, "{\"name\":\"both\"}", &id, &err));
        drop(&id);
        ok(netberth_network_get(t->nb, "both", 0, &json, &err));
        drop(&json);
        ok(netberth_network_delete(t->nb, "both", 0, &err));
        fails(netberth_network_get(second, "both", 0, &json, &err), NETBERTH_KIND_NOT_FOUND,
              "both");
        netberth_close(second);
    }
    fails(netberth_open("{\"state_dir\":\"here\"}", &second, &err), NETBERTH_KIND_INVALID,
          "absolute");
}

void test_handle(struct test *t)
{
    group("handles: versions, messages, threads, forks");
    versions();
    twice(t);
    messages(t);
    shared(t);
    forked(t);
}
