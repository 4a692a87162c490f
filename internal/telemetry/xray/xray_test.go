package xray_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/tensorlambda/tensorlambda/internal/telemetry"
	"github.com/tensorlambda/tensorlambda/internal/telemetry/xray"
)

func span() telemetry.Span {
	at := time.Now()
	s := telemetry.Span{
		Name: "inference", Start: at, End: at.Add(time.Millisecond),
		Notes: map[string]any{"source": "apigateway-v2", "model": "digits", "version": "1", "signature": "serving_default", "status": 200, "rows": int64(3)},
	}
	for _, name := range []string{"wait", "decode", "run", "encode"} {
		s.Parts = append(s.Parts, telemetry.Span{Name: name, Start: at, End: at})
	}
	return s
}

// traced is the context of an invocation, as aws-lambda-go makes it.
func traced(ctx context.Context, trace string) context.Context {
	return context.WithValue(ctx, "x-amzn-trace-id", trace) //nolint:staticcheck // aws-lambda-go's key is a string
}

const root = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;"

// Without a daemon's address there is no tracer, and that does nothing.
func TestATracerThatIsNoneDoesNothing(t *testing.T) {
	tracer := xray.New(slog.New(slog.DiscardHandler))
	if tracer != nil || tracer.Instrument() != nil {
		t.Fatalf("a tracer without a daemon: %+v", tracer)
	}
	tracer.Trace(traced(t.Context(), root+"Sampled=1"), func() telemetry.Span {
		t.Error("somebody asks for the span")
		return telemetry.Span{}
	})
}

// What tracing costs an invocation: one that is sampled, and one that is not. The address
// is read before main, so the benchmark runs itself anew with one.
func BenchmarkTrace(b *testing.B) {
	const variable = "AWS_XRAY_DAEMON_ADDRESS"
	if os.Getenv(variable) == "" {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		again := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkTrace$", "-test.benchmem")
		again.Env = append(os.Environ(), variable+"="+conn.LocalAddr().String())
		again.Stdout, again.Stderr = os.Stdout, os.Stderr
		if err := again.Run(); err != nil {
			b.Fatal(err)
		}
		b.SkipNow()
	}
	tracer := xray.New(slog.Default())
	for name, decision := range map[string]string{"sampled": "Sampled=1", "not sampled": "Sampled=0"} {
		b.Run(name, func(b *testing.B) {
			ctx := traced(b.Context(), root+decision)
			for b.Loop() {
				tracer.Trace(ctx, span)
			}
		})
	}
}
