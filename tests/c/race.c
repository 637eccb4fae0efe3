/* Looks at a handle that another thread has just been given, and does not wait for that thread: who
 * looks for races must find that the library writes what is read here. */
#include <netberth.h>

#include <pthread.h>
#include <stdio.h>

static netberth *nb;

static void *work(void *config)
{
    netberth_open((const char *)config, &nb, NULL);
    return NULL;
}

int main(int argc, char **argv)
{
    netberth *volatile *seen = &nb;
    char config[512];
    pthread_t thread;

    snprintf(config, sizeof config, "{\"state_dir\":\"%s/state\",\"run_dir\":\"%s/run\"}",
             argv[argc - 1], argv[argc - 1]);
    if (pthread_create(&thread, NULL, work, config) != 0) {
        return 1;
    }
    fprintf(stderr, "%s\n", *seen == NULL ? "not yet" : "already");
    pthread_join(thread, NULL);
    netberth_close(nb);
    return 0;
}
