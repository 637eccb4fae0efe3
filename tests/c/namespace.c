/* Looking into network namespaces, without a program. */
#include "test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct visit {
    const char *path;
    void (*work)(void *);
    void *argument;
    int entered;
};

static void *enter(void *argument)
{
    struct visit *visit = (struct visit *)argument;
    int fd = open(visit->path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        visit->entered = setns(fd, CLONE_NEWNET) == 0;
        close(fd);
    }
    if (visit->entered) {
        visit->work(visit->argument);
    }
    return NULL;
}

int within(const char *path, void (*work)(void *), void *argument)
{
    struct visit visit = {path, work, argument, 0};
    pthread_t thread;
    if (path == NULL || pthread_create(&thread, NULL, enter, &visit) != 0) {
        return -1;
    }
    pthread_join(thread, NULL);
    return visit.entered ? 0 : -1;
}

struct question {
    const char *interface;
    const char *address;
    int flags;
    int found;
};

static void look(void *argument)
{
    struct question *question = (struct question *)argument;
    struct ifaddrs *all = NULL, *one;
    if (getifaddrs(&all) != 0) {
        return;
    }
    for (one = all; one != NULL; one = one->ifa_next) {
        if (strcmp(one->ifa_name, question->interface) != 0) {
            continue;
        }
        question->flags = (int)one->ifa_flags;
        if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET) {
            char text[INET_ADDRSTRLEN] = "";
            const struct sockaddr_in *in = (const struct sockaddr_in *)(void *)one->ifa_addr;
            inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
            question->found |= strcmp(text, question->address) == 0;
        }
    }
    freeifaddrs(all);
}

int interface_flags(const char *path, const char *name)
{
    struct question question = {name, "", -1, 0};
    return within(path, look, &question) == 0 ? question.flags : -1;
}

int has_address(const char *path, const char *interface, const char *address)
{
    struct question question = {interface, address, -1, 0};
    return within(path, look, &question) == 0 && question.found;
}

/* A socket stays in the namespace that it was made in. */
static void make_socket(void *argument) { *(int *)argument = socket(AF_INET, SOCK_DGRAM, 0); }

int reaches(const char *from, const char *to, const char *address)
{
    int here = -1, there = -1, arrived = 0, tries;
    struct sockaddr_in at;
    struct timeval patience = {0, 200000};
    char got[8] = "";

    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons(4321);
    inet_pton(AF_INET, address, &at.sin_addr);
    if (within(from, make_socket, &here) == 0 && within(to, make_socket, &there) == 0 &&
        bind(there, (const struct sockaddr *)(void *)&at, sizeof at) == 0 &&
        setsockopt(there, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0) {
        for (tries = 0; tries < 10 && !arrived; tries++) {
            if (sendto(here, "ping", 4, 0, (const struct sockaddr *)(void *)&at, sizeof at) < 0) {
                usleep(20000);
                continue;
            }
            arrived = recv(there, got, sizeof got - 1, 0) == 4 && strcmp(got, "ping") == 0;
        }
    }
    if (here >= 0) {
        close(here);
    }
    if (there >= 0) {
        close(there);
    }
    return arrived;
}

static void *unshare_network(void *argument)
{
    int *fd = (int *)argument;
    if (unshare(CLONE_NEWNET) == 0) {
        *fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    }
    return NULL;
}

int new_namespace(char *path, size_t size)
{
    int fd = -1;
    pthread_t thread;
    if (pthread_create(&thread, NULL, unshare_network, &fd) != 0) {
        return -1;
    }
    pthread_join(thread, NULL);
    snprintf(path, size, "/proc/%d/fd/%d", (int)getpid(), fd);
    return fd;
}

int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    int count = 0;
    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return count;
}

int threads_come_to(int count)
{
    /* The kernel says that a thread has ended before it takes it off its list. */
    const struct timespec pause = {0, 1000000};
    int tries = 2000;
    while (threads() != count && --tries > 0) {
        nanosleep(&pause, NULL);
    }
    return threads() == count;
}
