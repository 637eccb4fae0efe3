/* One join and nothing else, for strace: no output, no program, no thread that stays. */
#include <netberth.h>

#include <dirent.h>
#include <stdio.h>
#include <time.h>

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    while (tasks != NULL && readdir(tasks) != NULL) {
        count++;
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return count;
}

/* The kernel says that a thread has ended before it takes it off its list. */
static int threads_come_to(int count)
{
    const struct timespec pause = {0, 1000000};
    int tries = 2000;
    while (threads() != count && --tries > 0) {
        nanosleep(&pause, NULL);
    }
    return threads() == count;
}

int main(int argc, char **argv)
{
    char config[512], *id = NULL, *key = NULL;
    netberth *nb = NULL;
    int before, joined;

    snprintf(config, sizeof config, "{\"state_dir\":\"%s/state\",\"run_dir\":\"%s/run\"}",
             argv[argc - 1], argv[argc - 1]);
    before = threads();
    if (netberth_open(config, &nb, NULL) != 0 ||
        netberth_endpoint_create(nb, "bridge", "{\"name\":\"e\"}", &id, NULL) != 0) {
        return 2;
    }
    joined = netberth_join(nb, "bridge", "e", "{\"container_id\":\"c\"}", &key, NULL);
    netberth_string_free(id);
    netberth_string_free(key);
    if (joined != 0) {
        return 3;
    }
    if (!threads_come_to(before)) {
        return 4;
    }
    netberth_close(nb);
    return threads_come_to(before) ? 0 : 5;
}
