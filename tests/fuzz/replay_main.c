/* Feeds every file of a corpus folder to LLVMFuzzerTestOneInput, so that what fuzzing once found
 * stays found in builds without libFuzzer. Exit 1 when the folder is missing or empty. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_BYTES_MAX (1u << 20)

static int
replay(const char *folder, const char *name)
{
	static uint8_t input[INPUT_BYTES_MAX];
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return -1;
	}
	size_t len = fread(input, 1, sizeof(input), file);
	fclose(file);
	/* An exact copy, so that a read behind the end is seen by the sanitizer. */
	uint8_t *copy = malloc(len ? len : 1);
	if (copy == NULL)
		return -1;
	for (size_t i = 0; i < len; i++)
		copy[i] = input[i];
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
		return 2;
	}
	DIR *dir = opendir(argv[1]);
	if (dir == NULL) {
		perror(argv[1]);
		return 1;
	}
	unsigned count = 0;
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
		if (entry->d_name[0] == '.')
			continue;
		if (replay(argv[1], entry->d_name) < 0)
			return 1;
		count++;
	}
	closedir(dir);
	printf("%u inputs replayed\n", count);
	return count > 0 ? 0 : 1;
}
