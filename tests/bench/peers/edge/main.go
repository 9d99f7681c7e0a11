// A thin edge in Go, what Penstock's is measured against: net/http and franz-go, acks=all, idempotent, 200 on the ack.
//
// It does no more than an edge must: the key, the body decoded, a message for each event, keyed by its customer.
// THIN=1 leaves even the body as it came: one message for each request, whatever is in it.
package main

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type identifiers struct {
	ID string `json:"id,omitempty"`
}

type event struct {
	Type        string          `json:"type,omitempty"`
	Action      string          `json:"action,omitempty"`
	Name        string          `json:"name,omitempty"`
	Event       string          `json:"event,omitempty"`
	UserID      string          `json:"userId,omitempty"`
	Identifiers identifiers     `json:"identifiers,omitzero"`
	Data        json.RawMessage `json:"data,omitempty"`
	Attributes  json.RawMessage `json:"attributes,omitempty"`
	Properties  json.RawMessage `json:"properties,omitempty"`
	Batch       []event         `json:"batch,omitempty"`
}

type message struct {
	ID         string    `json:"id"`
	Workspace  string    `json:"workspace"`
	Subject    string    `json:"subject"`
	ReceivedAt float64   `json:"received_at"`
	Said       event     `json:"said"`
	Context    [3]string `json:"context"`
}

var key = sha256.Sum256([]byte("key"))

func main() {
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Getenv("KAFKA")), kgo.DefaultProduceTopic(os.Getenv("TOPIC")),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(1<<20), kgo.ProducerLinger(0))
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/live", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		site, secret, _ := r.BasicAuth()
		if sha256.Sum256([]byte(secret)) != key {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 512_000))
		records, err := records(site, r, body, err)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		done := make(chan error, len(records))
		for _, record := range records {
			client.Produce(r.Context(), record, func(_ *kgo.Record, err error) { done <- err })
		}
		for range records {
			if err := <-done; err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, "{}\n")
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

func records(site string, r *http.Request, body []byte, err error) ([]*kgo.Record, error) {
	id := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/v1/customers/"), "/events")
	if err != nil || os.Getenv("THIN") != "" {
		return []*kgo.Record{{Key: []byte(site + "\x00id:" + id), Value: body}}, err
	}
	var said event
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, err
	}
	events := said.Batch
	if events == nil {
		events = []event{said}
	}
	made := make([]*kgo.Record, 0, len(events))
	for _, one := range events {
		subject := "id:" + cmp.Or(one.UserID, one.Identifiers.ID, id)
		value, err := json.Marshal(message{rand.Text(), site, subject, float64(time.Now().UnixMicro()) / 1e6, one,
			[3]string{r.URL.Path, r.RemoteAddr, r.UserAgent()}})
		if err != nil {
			return nil, err
		}
		made = append(made, &kgo.Record{Key: []byte(site + "\x00" + subject), Value: value})
	}
	return made, nil
}
