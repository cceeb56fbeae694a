// Go with its runtime: goroutines, the garbage collector, timers and panics, as the payload says, and replies with
// what came of it.
package main

/*
#include <hark/function.h>
#include <stdlib.h>

static int reply(void *ctx, const void *data, size_t len)
{
    return hark_reply(ctx, data, len);
}
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// Sums up in as many goroutines as there are numbers, each of which blocks before it goes on.
func sum() string {
	var group sync.WaitGroup
	results := make(chan int)
	for i := 1; i <= 100; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			time.Sleep(time.Millisecond)
			results <- i
		}(i)
	}
	go func() { group.Wait(); close(results) }()
	total := 0
	for i := range results {
		total += i
	}
	return fmt.Sprint("sum ", total)
}

// Makes 400 MiB of garbage where a worker may have 96. The collector runs beside it, and a busy machine may let it wait
// for longer than it takes to fill the memory: so it is waited for.
func litter() string {
	last := ""
	for i := 0; i < 400; i++ {
		last = strings.Repeat("x", 1<<20)
		if i%16 == 15 {
			runtime.GC()
		}
	}
	return fmt.Sprint("collected, ", len(last), " left")
}

// The runtime makes a panic of the SIGSEGV.
func fault() (text string) {
	defer func() { text = fmt.Sprint("caught ", recover() != nil) }()
	var nothing *int
	return fmt.Sprint(*nothing)
}

// A loop without a call gives way only to the SIGURG that the runtime sends to its own thread.
func spin() string {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	stop := false
	go func() {
		for !stop {
		}
	}()
	time.Sleep(20 * time.Millisecond)
	runtime.GC()
	stop = true
	return "gave way"
}

func peek() string {
	_, err := os.ReadFile("/etc/passwd")
	return fmt.Sprint("no file ", os.IsNotExist(err) || os.IsPermission(err))
}

//export gopherHandle
func gopherHandle(ctx unsafe.Pointer, payload unsafe.Pointer, length C.int) C.int {
	tricks := map[string]func() string{"sum": sum, "litter": litter, "fault": fault, "spin": spin, "peek": peek}
	trick, known := tricks[C.GoStringN((*C.char)(payload), length)]
	if !known {
		panic("nobody catches this")
	}
	text := trick()
	data := C.CString(text)
	defer C.free(unsafe.Pointer(data))
	return C.reply(ctx, unsafe.Pointer(data), C.size_t(len(text)))
}

func main() {}
