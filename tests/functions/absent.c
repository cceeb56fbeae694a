/* The library that bereft.so was linked with. */
int absent_answer(void);

__attribute__((visibility("default"))) int absent_answer(void)
{
    return 0;
}
