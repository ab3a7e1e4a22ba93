/* Whose configurations are read: import.h says what becomes of them. */
#ifndef IMPORT_KINDS_H
#define IMPORT_KINDS_H

#include "import/draft.h"
#include "import/words.h"

void import_haproxy(struct draft *draft, struct words_reader *reader);
void import_nginx(struct draft *draft, struct words_reader *reader);

#endif
