/* Unwinds the frames of the worker, wherever they end. */
#include "hostile.h"

#include <unwind.h>

static _Unwind_Reason_Code go_on(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
                                 struct _Unwind_Exception *thrown, struct _Unwind_Context *context,
                                 void *user)
{
    (void)version, (void)class, (void)thrown, (void)context, (void)user;
    return actions & _UA_END_OF_STACK ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static const char *attack(const struct victims *v)
{
    (void)v;
    static struct _Unwind_Exception thrown;
    (void)_Unwind_ForcedUnwind(&thrown, go_on, NULL);
    return "came back";
}
