/* A library with a little of what the loader writes to: constants that point somewhere, and variables. */
static const char *const words[] = {"one", "two"};
static int calls = 40;
static int *const counter = &calls;

const char *sample_word(int index)
{
    return words[index & 1];
}

int sample_count(void)
{
    return ++*counter;
}
