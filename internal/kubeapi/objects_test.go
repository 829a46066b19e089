package kubeapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/runbackhq/runback/internal/kubeapi"
)

// TestAnswersOfOthers: who answers in the place of an API server, as a proxy
// does, is not taken for one that has nothing.
func TestAnswersOfOthers(t *testing.T) {
	for _, body := range []string{`{}`, `null`, `[]`, `"ok"`, `{"kind":"Status"}`, `{"kind":"PodList"}x`, `<html>sign in</html>`, ``, `{"kind":"ConfigMapList","items":[]}`} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, body)
		}))
		client, err := kubeapi.New(&rest.Config{Host: srv.URL})
		if err != nil {
			t.Fatal(err)
		}
		if list, err := client.Pods("default").List(t.Context(), metav1.ListOptions{}); err == nil || !strings.Contains(err.Error(), "PodList") {
			t.Errorf("%s is a list of %d pods: %v", body, len(list.Items), err)
		}
		if ns, err := client.Namespaces().Get(t.Context(), "kube-system"); err == nil {
			t.Errorf("%s is a namespace with the UID %q", body, ns.UID)
		}
		if got, err := client.Kinds.Resource(t.Context(), schema.GroupVersionResource{Resource: "pods"}); err == nil || !strings.Contains(err.Error(), "/api") {
			t.Errorf("%s serves %v: %v", body, got, err)
		}
		client.Close()
		srv.Close()
	}
}
