#include "import/import.h"

#include "import/draft.h"
#include "import/kinds.h"
#include "import/words.h"

#include <string.h>

/* nginx ends what it says with ";" or "{" and haproxy never does; a file of neither is haproxy's.
 */
static enum import_kind kind_of(const char *text, size_t size)
{
	static const char *const sections[] = {"global",  "defaults", "frontend",  "backend",
					       "listen",  "peers",    "resolvers", "userlist",
					       "program", "mailers",  "cache"};
	struct words_reader reader = {.at = text, .end = text + size, .line = 1};
	struct words words;

	if (words_line(&reader, &words))
		for (size_t i = 0; i < array_size(sections); i++)
			if (words_is(&words, 0, sections[i]) && !strpbrk(words.shown, ";{"))
				return IMPORT_HAPROXY;
	return memchr(text, '{', size) ? IMPORT_NGINX : IMPORT_HAPROXY;
}

int import(const char *text, size_t size, FILE *out, struct import_result *ret_result)
{
	const char *nul = memchr(text, 0, size);
	struct words_reader reader = {.at = text, .end = nul ? nul : text + size, .line = 1};
	struct draft draft;
	int r;

	*ret_result = (struct import_result){.kind = kind_of(text, (size_t)(reader.end - text))};
	draft_init(&draft);
	if (ret_result->kind == IMPORT_NGINX)
		import_nginx(&draft, &reader);
	else
		import_haproxy(&draft, &reader);
	r = draft_print(&draft, out);
	ret_result->serving = r < 0 ? 0 : r;
	ret_result->missed = draft.missed;
	draft_done(&draft);
	return r < 0 ? r : 0;
}
