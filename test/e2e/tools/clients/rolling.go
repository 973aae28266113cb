package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const (
	writers = 4
	// countKey is the annotation by which a writer numbers its writes, so that one that nobody heard of is missed.
	countKey = "example.org/count"
	pause    = 50 * time.Millisecond
)

// rolling is a client-go informer, a controller-runtime operator and writers that go on while the server is replaced under
// them; until SIGTERM says that this is over.
type rolling struct {
	*session
	operator operator
	informer cache.SharedIndexInformer
	lists    *lists
	seen     counts
	written  [writers]atomic.Int64
	retried  atomic.Int64
}

func rollingSteps(s *session) []step {
	r := &rolling{session: s, lists: &lists{}}
	return []step{{"in_step", r.begin}, {"written", r.write}, {"no_gap", r.compare}}
}

// lists counts how often the informer has to begin anew, instead of going on where its watch ended.
type lists struct {
	next             http.RoundTripper
	begun, continued atomic.Int64
}

func (l *lists) RoundTrip(request *http.Request) (*http.Response, error) {
	query := request.URL.Query()
	if query.Get("watch") != "" && query.Get("sendInitialEvents") != "true" {
		l.continued.Add(1)
	} else {
		l.begun.Add(1)
	}
	return l.next.RoundTrip(request)
}

// counts is the newest count of each object that the informer was told, and what was missing in between.
type counts struct {
	lock   sync.Mutex
	newest map[string]int64
	gaps   []string
}

func countOf(object any) (string, int64) {
	item, ok := object.(*unstructured.Unstructured)
	if !ok {
		return "", 0
	}
	count, _ := strconv.ParseInt(item.GetAnnotations()[countKey], 10, 64)
	return item.GetName(), count
}

func (c *counts) observe(object any) {
	name, count := countOf(object)
	c.lock.Lock()
	defer c.lock.Unlock()
	if before := c.newest[name]; count != before && count != before+1 {
		c.gaps = append(c.gaps, fmt.Sprintf("%s went from %d to %d", name, before, count))
	}
	c.newest[name] = count
}

func writerName(writer int) string { return fmt.Sprintf("writer-%d", writer) }

func (r *rolling) begin() {
	r.createNamespace()
	for writer := range writers {
		must(r.createFunction(writerName(writer), nil))
	}
	r.operator = r.startOperator()
	config := rest.CopyConfig(r.config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { r.lists.next = next; return r.lists })
	client := must(dynamic.NewForConfig(config))
	r.seen.newest = map[string]int64{}
	r.informer = dynamicinformer.NewFilteredDynamicInformer(client, functions, r.namespace, 0, cache.Indexers{}, nil).Informer()
	must(r.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: r.seen.observe, UpdateFunc: func(_, object any) { r.seen.observe(object) },
	}))
	go r.informer.RunWithContext(r.ctx)
	expect(cache.WaitForCacheSync(r.ctx.Done(), r.informer.HasSynced), "not in step")
	within(r.operator.manager.Elected(), "the operator leads")
}

// write numbers each object's writes, one after the other. What may be tried again is; anything else ends the run.
func (r *rolling) write() {
	ctx, stop := signal.NotifyContext(r.ctx, syscall.SIGTERM)
	defer stop()
	var all sync.WaitGroup
	for writer := range writers {
		all.Go(func() {
			for ctx.Err() == nil {
				r.writeOnce(writer, r.written[writer].Load()+1)
				r.written[writer].Add(1)
				time.Sleep(pause)
			}
		})
	}
	all.Wait()
}

func (r *rolling) writeOnce(writer int, count int64) {
	body := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"%d"}},"spec":{"replicas":%d}}`, countKey, count, count%3)
	again := func(write func() error) {
		for deadline := time.Now().Add(patience); ; time.Sleep(pause) {
			err := write()
			if err == nil {
				return
			}
			expect(isRetryable(err) && time.Now().Before(deadline), "%s: %T %v", writerName(writer), err, err)
			fmt.Fprintln(os.Stderr, "retried:", err, causes(err))
			r.retried.Add(1)
		}
	}
	again(func() error {
		_, err := r.functions().Patch(r.ctx, writerName(writer), types.MergePatchType, body, metav1.PatchOptions{})
		return err
	})
	if count%20 != 0 {
		return
	}
	name := fmt.Sprintf("short-%d", writer)
	again(func() error {
		_, err := r.createFunction(name, fields{"replicas": int64(0)})
		if apierrors.IsAlreadyExists(err) {
			return nil // It was made, and nobody heard.
		}
		return err
	})
	again(func() error {
		err := r.functions().Delete(r.ctx, name, metav1.DeleteOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
}

// causes are what is behind a refusal: a proxy's words, where the answer is no Status.
func causes(err error) []metav1.StatusCause {
	status := &apierrors.StatusError{}
	if !errors.As(err, &status) || status.ErrStatus.Details == nil {
		return nil
	}
	return status.ErrStatus.Details.Causes
}

// isRetryable says whether the server, or the connection, asks for the same once more.
func isRetryable(err error) bool {
	return apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) ||
		apierrors.IsTimeout(err) || utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err) || errors.Is(err, io.EOF)
}

// compare what was written with what the informer was told, the operator made and our controllers made of it.
func (r *rolling) compare() {
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	total := int64(0)
	for writer := range writers {
		name, last := writerName(writer), r.written[writer].Load()
		total += last
		eventually(name+"'s last event", func() bool {
			r.seen.lock.Lock()
			defer r.seen.lock.Unlock()
			return r.seen.newest[name] == last
		})
		eventually(name+"'s note", func() bool {
			note, err := r.core.CoreV1().ConfigMaps(r.namespace).Get(ctx, name+"-notes", metav1.GetOptions{})
			return err == nil && note.Data["replicas"] == strconv.FormatInt(last%3, 10)
		})
		eventually(name+"'s set", func() bool {
			set, err := r.statefulSet(name)
			return err == nil && int64(*set.Spec.Replicas) == last%3
		})
	}
	expect(len(r.seen.gaps) == 0, "%v", r.seen.gaps)
	expect(r.lists.begun.Load() == 1, "the informer began %d times", r.lists.begun.Load())
	fmt.Printf("%d writes, %d retried, %d watches continued\n", total, r.retried.Load(), r.lists.continued.Load())
	r.operator.stop()
}
