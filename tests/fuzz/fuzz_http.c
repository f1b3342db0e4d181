/* SPDX-License-Identifier: Apache-2.0
 *
 * The edge's own parsers of HTTP values, each on the same text. The sources are
 * included, since fuzz targets link the common layer alone.
 */
#include "edge/http/input.c"
#include "edge/http/negotiate.c"
#include "edge/http/origin.c"
#include "edge/http/route.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const route_t routes[] = {{"/api/v1/pixels/{}/{}", {0}},
                                     {"/api/v1/board", {0}}};
    char *text = malloc(size + 1); /* exact, so that overruns show */
    memcpy(text, data, size);
    text[size] = '\0';
    route_arguments_t arguments;
    int64_t integer;
    uint32_t number;
    if (route_find(routes, 2, text, &arguments) == &routes[0])
        for (int i = 0; i < ROUTE_ARGUMENTS; i++)
            input_integer(arguments.text[i], arguments.length[i], &integer);
    input_u32(text, &number);
    input_member(text, size, "color", &integer);
    encoding_choose(text);
    list_has(text, "close");
    if (etag_matches(text, "\"1-9\"") && !strstr(text, "\"1-9\"") &&
        !strchr(text, '*'))
        abort();
    origin_allowed(text, "https://example.org", "example.org");
    origin_allowed("https://example.org", text, "example.org");
    free(text);
    return 0;
}
