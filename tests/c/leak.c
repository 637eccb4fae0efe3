/* Forgets an error: those who look for leaks must find it, or they look at nothing. */
#include <netberth.h>

#include <stddef.h>

int main(void)
{
    netberth_error *err = NULL;
    return netberth_open("{\"colour\":1}", NULL, &err) == NETBERTH_KIND_INVALID ? 0 : 1;
}
