/* SPDX-License-Identifier: Apache-2.0
 *
 * See film.h. ffmpeg is started without a shell, reads raw frames from a pipe,
 * and gets what it says through to stderr.
 */
#include "ctl/film.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME_MAX_BYTES 4096
/* Videos have even sides, and players want their colours so. */
#define FILTER "pad=ceil(iw/2)*2:ceil(ih/2)*2"

extern char **environ;

static int s_fail(film_t *self, const char *why)
{
    self->why = why;
    return -1;
}

static bool s_is_video(const char *path)
{
    static const char *const kinds[] = {".mp4", ".webm", ".mkv", ".gif"};
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (length > strlen(kinds[i]) &&
            !strcmp(path + length - strlen(kinds[i]), kinds[i]))
            return true;
    return false;
}

/* The path as an argument that cannot be taken for an option or a protocol. */
static void s_file(const char *path, char *name)
{
    snprintf(name, NAME_MAX_BYTES, "file:%s", path);
}

static int s_start(film_t *self, const frame_t *frame, int fps, int input)
{
    char size[32], rate[16], name[NAME_MAX_BYTES];
    bool gif = !strcmp(self->path + strlen(self->path) - 4, ".gif");
    posix_spawn_file_actions_t actions;
    snprintf(size, sizeof size, "%" PRIu32 "x%" PRIu32, frame_width(frame),
             frame_height(frame));
    snprintf(rate, sizeof rate, "%d", fps);
    s_file(self->path, name);
    char *const words[] = {"ffmpeg",   "-loglevel", "error",
                           "-y",       "-f",        "rawvideo",
                           "-pix_fmt", "rgb24",     "-s",
                           size,       "-r",        rate,
                           "-i",       "pipe:0",    "-vf",
                           FILTER,     "-pix_fmt",  gif ? "rgb8" : "yuv420p",
                           name,       NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    int error =
        posix_spawnp(&self->ffmpeg, "ffmpeg", &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int s_open_video(film_t *self, const frame_t *frame, int fps)
{
    int ends[2];
    if (strlen(self->path) > NAME_MAX_BYTES - 10 || pipe2(ends, O_CLOEXEC) < 0)
        return s_fail(self, "no pipe to ffmpeg can be made");
    int error = s_start(self, frame, fps, ends[0]);
    close(ends[0]);
    if (error) {
        close(ends[1]);
        return s_fail(self, error == ENOENT
                                ? "for a video ffmpeg is needed: apt install "
                                  "ffmpeg; or name a folder, for frames"
                                : strerror(error));
    }
    signal(SIGPIPE, SIG_IGN); /* it ends early: its status says why */
    self->pipe = fdopen(ends[1], "wb");
    return self->pipe ? 0 : s_fail(self, strerror(errno));
}

int film_open(film_t *self, const char *path, const frame_t *frame, int fps)
{
    struct stat found;
    *self = (film_t){.path = path};
    if (s_is_video(path))
        return s_open_video(self, frame, fps);
    if (mkdir(path, 0777) < 0 &&
        (errno != EEXIST || stat(path, &found) < 0 || !S_ISDIR(found.st_mode)))
        return s_fail(self, "no such folder can be made; a video ends with "
                            ".mp4, .webm, .mkv or .gif");
    return 0;
}

static int s_add_file(film_t *self, const board_t *board,
                      const canvas_t *canvas, const frame_t *frame)
{
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof name, "%s/frame-%06" PRIu32 ".png", self->path,
             self->frames);
    FILE *to = fopen(name, "wb");
    if (!to)
        return s_fail(self, strerror(errno));
    int result = picture_png(board, canvas, frame, to);
    if (fclose(to) || result < 0)
        return s_fail(self, "a frame could not be written");
    return 0;
}

int film_add(film_t *self, const board_t *board, const canvas_t *canvas,
             const frame_t *frame)
{
    int result = self->pipe ? picture_rgb(board, canvas, frame, self->pipe)
                            : s_add_file(self, board, canvas, frame);
    self->frames += result == 0;
    if (result < 0 && self->pipe)
        return s_fail(self, "ffmpeg ended early");
    return result;
}

int film_close(film_t *self)
{
    int status = 0;
    if (self->pipe)
        fclose(self->pipe);
    self->pipe = NULL;
    if (!self->ffmpeg)
        return 0;
    while (waitpid(self->ffmpeg, &status, 0) < 0 && errno == EINTR)
        ;
    self->ffmpeg = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? 0
               : s_fail(self, "ffmpeg made no video");
}
