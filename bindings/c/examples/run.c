/*
 * run DIRECTORY COMMAND...: runs a command in a network of its own, and leaves nothing behind.
 *
 * The shortest use of the library: a network, an endpoint, a sandbox, a child that enters it. Records
 * and namespaces are kept below DIRECTORY. The exit status is that of the command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netberth.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed(netberth_error *err)
{
    fprintf(stderr, "run: %s\n", netberth_error_message(err));
    netberth_error_free(err);
    return 125;
}

/* In the child: enters the namespace and becomes the command. */
static void enter(const char *key, char **command)
{
    int fd = open(key, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) {
        fprintf(stderr, "run: %s: %s\n", key, strerror(errno));
        _exit(125);
    }
    execvp(command[0], command);
    fprintf(stderr, "run: %s: %s\n", command[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static int run(const char *key, char **command)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        enter(key, command);
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        fprintf(stderr, "run: %s\n", strerror(errno));
        return 125;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    netberth *nb = NULL;
    netberth_error *err = NULL;
    char *network = NULL, *endpoint = NULL, *key = NULL, config[4096];
    int status = 125;

    if (argc < 3) {
        fputs("usage: run DIRECTORY COMMAND...\n", stderr);
        return 125;
    }
    snprintf(config, sizeof config, "{\"state_dir\":\"%s/state\",\"run_dir\":\"%s/run\"}", argv[1],
             argv[1]);
    if (netberth_open(config, &nb, &err) != 0)
        return failed(err);
    if (netberth_network_create(nb, "{\"name\":\"run\"}", &network, &err) == 0 &&
        netberth_endpoint_create(nb, network, "{\"name\":\"it\"}", &endpoint, &err) == 0 &&
        netberth_join(nb, network, endpoint, "{\"container_id\":\"run\"}", &key, &err) == 0)
        status = run(key, argv + 2);
    else
        status = failed(err);

    /* What was made is unmade in reverse; a name that was never made is not found. */
    if (key != NULL && netberth_sandbox_delete(nb, "run", 0, &err) != 0)
        status = failed(err);
    if (endpoint != NULL && netberth_endpoint_delete(nb, network, endpoint, 0, &err) != 0)
        status = failed(err);
    if (network != NULL && netberth_network_delete(nb, network, 0, &err) != 0)
        status = failed(err);
    netberth_string_free(key);
    netberth_string_free(endpoint);
    netberth_string_free(network);
    netberth_close(nb);
    return status;
}
