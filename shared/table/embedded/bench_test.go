package embedded_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
)

func filled(b *testing.B, n int) *embedded.Engine {
	b.Helper()
	e := openDisk(b, b.TempDir())
	for start := 0; start < n; start += 100 {
		ops := make([]table.Op, 0, 100)
		for i := start; i < start+100; i++ {
			op := put(fmt.Sprintf("%06d", i), fmt.Sprintf(`{"n":%d,"text":%q}`, i, strings.Repeat("x", 470)))
			op.Item.Index = map[string]string{table.By1: fmt.Sprintf("acme#%d", i%100)}
			ops = append(ops, op)
		}
		if err := e.Transact(context.Background(), "", ops...); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	b.ReportAllocs()
	return e
}

func BenchmarkGet(b *testing.B) {
	e := filled(b, 10_000)
	for i := range b.N {
		if _, err := e.Get(b.Context(), table.Key{Part: "acme#p", Sort: fmt.Sprintf("%06d", i%10_000)}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutParallel16(b *testing.B) {
	e := filled(b, 0)
	var next atomic.Int64
	b.SetParallelism(8) // times GOMAXPROCS of 2
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			op := put(fmt.Sprint(next.Add(1)), fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 480)))
			if _, err := e.Write(context.Background(), op); err != nil {
				b.Error(err)
			}
		}
	})
}

func benchmarkQuery(b *testing.B, q table.Query) {
	e := filled(b, 10_000)
	for range b.N {
		page, err := e.Query(b.Context(), q)
		if err != nil || len(page.Items) != 30 {
			b.Fatal(len(page.Items), err)
		}
	}
}

func BenchmarkQuery30(b *testing.B) {
	benchmarkQuery(b, table.Query{Part: "acme#p", Limit: 30, Desc: true})
}

func BenchmarkQueryIndex30(b *testing.B) {
	benchmarkQuery(b, table.Query{Part: "acme#7", Index: table.By1, Limit: 30})
}

func BenchmarkQueryFilter30(b *testing.B) {
	benchmarkQuery(b, table.Query{Part: "acme#p", Limit: 30, Filter: table.Compare{
		Path: table.At("n"), Op: table.GreaterOrEqual, Value: 0,
	}})
}

func BenchmarkCounter(b *testing.B) {
	e := filled(b, 0)
	for range b.N {
		_, err := e.Write(b.Context(), table.Modify{
			Key: table.Key{Part: "acme#count", Sort: "s"}, Add: []table.Increment{{Path: table.At("n"), By: 1}}, Upsert: true,
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenMemory(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		e, err := embedded.OpenMemory(embedded.Options{Now: newClock().now})
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
