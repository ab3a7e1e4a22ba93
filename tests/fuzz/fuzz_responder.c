/*
 * The responder's parser: however a stream of requests is cut into pieces, it is
 * understood the same way, no piece is read beyond its end, and every step goes on.
 * Nothing is answered without a version of HTTP in a first line.
 *
 * The parser is not exported, so its file is included.
 */
#include "service/responder.c"

struct reading {
	unsigned asked;       /* requests understood */
	enum verdict verdict; /* VERDICT_GO_ON, or what ended it */
	bool close;
};

/* As read_requests() does it, with pieces of the size given. */
static struct reading read_in_pieces(const uint8_t *data, size_t size, size_t piece)
{
	struct reading reading = {.verdict = VERDICT_GO_ON};
	struct request request;

	begin_request(&request);
	for (size_t at = 0; at < size;) {
		uint32_t length = (uint32_t)(piece < size - at ? piece : size - at), used;
		unsigned char *bytes = malloc(length); /* of that size, for ASan */
		enum verdict verdict;

		assert(bytes);
		memcpy(bytes, data + at, length);
		verdict = read_request(&request, bytes, length, &used);
		free(bytes);
		assert(used <= length);
		assert(used > 0 || verdict != VERDICT_GO_ON);
		at += used;
		if (verdict == VERDICT_ASKED) {
			reading.asked++;
			reading.close = request.close;
			if (request.close)
				break;
		} else if (verdict != VERDICT_GO_ON) {
			reading.verdict = verdict;
			break;
		}
	}
	return reading;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = {1, 2, 7, 1000};
	struct reading whole = read_in_pieces(data, size, size + 1);

	assert(!whole.asked || memmem(data, size, " HTTP/1.", 8));
	for (unsigned i = 0; i < array_size(pieces); i++) {
		struct reading cut = read_in_pieces(data, size, pieces[i]);

		assert(cut.asked == whole.asked && cut.verdict == whole.verdict &&
		       cut.close == whole.close);
	}
	return 0;
}
