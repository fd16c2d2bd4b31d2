/*
 * The three standard descriptors: there from the first line on, and told when they fail. What is
 * written to them is everybody else's work.
 */
#include <depot/app.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void depot_stdio_open(void)
{
    /* The lowest free number is taken, so a descriptor got here is one that was closed. What is
     * wanted on standard output and cannot be had there must not be lost unseen. */
    int fd;
    do
        fd = open("/dev/null", fcntl(STDOUT_FILENO, F_GETFD) < 0 ? O_RDONLY : O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int depot_stdout_flush(struct depot_error *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return depot_error_errno(err, errno, "cannot write to standard output");
}
