// Command go-reader SOCKET ID BYTES reads the kept output of a process through
// the Go client and prints MB/s.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"pm.example/go/pm"
)

func main() {
	ctx := context.Background()
	client, err := pm.Dial(ctx, pm.WithSocket(os.Args[1]))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	process, err := client.ProcessByID(ctx, os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	want, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	begin := time.Now()
	got := 0
	for piece, err := range process.Output(ctx, pm.OutputOptions{Snapshot: true, Reuse: true}) {
		if err != nil {
			log.Fatal(err)
		}
		got += len(piece.Chunk.GetData())
	}
	if got != want {
		log.Fatalf("%d of %d bytes came", got, want)
	}
	fmt.Println(float64(got) / 1e6 / time.Since(begin).Seconds())
}
