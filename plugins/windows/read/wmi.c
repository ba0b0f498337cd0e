#define COBJMACROS
#include "wmi.h"

#include <wbemcli.h>

#include "support/wide.h"

enum { ROWS_MAX = 20000, STEP_MS = 500 };

static void put_variant(col_task *t, VARIANT *v)
{
  VARIANT text = {0};
  if (V_VT(v) == VT_NULL || V_VT(v) == VT_EMPTY)
    win_empty(t, 1);
  else if (V_VT(v) == VT_BSTR)
    win_text_n(t, V_BSTR(v), SysStringLen(V_BSTR(v)));
  else if (SUCCEEDED(VariantChangeType(&text, v, 0, VT_BSTR)))
    win_text_n(t, V_BSTR(&text), SysStringLen(V_BSTR(&text)));
  else
    col_text(t, "(not a text)");
  (void)VariantClear(&text);
}

static void put_object(col_task *t, IWbemClassObject *o, const wchar_t *const *columns,
                       size_t count, const char *first_field)
{
  if (first_field != NULL)
    col_text(t, first_field);
  for (size_t i = 0; i < count; i++) {
    VARIANT v = {0};
    if (SUCCEEDED(IWbemClassObject_Get(o, columns[i], 0, &v, NULL, NULL)))
      put_variant(t, &v);
    else
      win_empty(t, 1);
    (void)VariantClear(&v);
  }
  (void)col_row(t);
}

/* Never for long: who asks again can look whether it is to stop. */
static HRESULT read_objects(col_task *t, IEnumWbemClassObject *objects,
                            const wchar_t *const *columns, size_t count, const char *first_field)
{
  for (unsigned rows = 0; rows < ROWS_MAX && !col_stop(t);) {
    IWbemClassObject *o = NULL;
    ULONG got = 0;
    HRESULT hr = IEnumWbemClassObject_Next(objects, STEP_MS, 1, &o, &got);
    if (hr == (HRESULT)WBEM_S_TIMEDOUT)
      continue;
    if (hr != WBEM_S_NO_ERROR || got == 0)
      return FAILED(hr) ? hr : S_OK;
    put_object(t, o, columns, count, first_field);
    (void)IWbemClassObject_Release(o);
    rows++;
  }
  return S_OK;
}

void win_com_blanket(IUnknown *proxy)
{
  (void)CoSetProxyBlanket(proxy, RPC_C_AUTHN_WINNT, RPC_C_AUTHZ_NONE, NULL, RPC_C_AUTHN_LEVEL_CALL,
                          RPC_C_IMP_LEVEL_IMPERSONATE, NULL, EOAC_NONE);
}

static HRESULT connect_to(const wchar_t *name_space, IWbemServices **ret_services)
{
  IWbemLocator *locator = NULL;
  BSTR where = SysAllocString(name_space);
  HRESULT hr = CoCreateInstance(&CLSID_WbemLocator, NULL, CLSCTX_INPROC_SERVER, &IID_IWbemLocator,
                                (void **)&locator);
  if (SUCCEEDED(hr))
    hr = IWbemLocator_ConnectServer(locator, where, NULL, NULL, NULL,
                                    WBEM_FLAG_CONNECT_USE_MAX_WAIT, NULL, NULL, ret_services);
  if (locator != NULL)
    (void)IWbemLocator_Release(locator);
  SysFreeString(where);
  if (SUCCEEDED(hr))
    win_com_blanket((IUnknown *)*ret_services);
  return hr;
}

HRESULT win_wmi_rows(col_task *t, const wchar_t *name_space, const wchar_t *query,
                     const wchar_t *const *columns, size_t count, const char *first_field)
{
  IWbemServices *services = NULL;
  IEnumWbemClassObject *objects = NULL;
  BSTR language = SysAllocString(L"WQL");
  BSTR text = SysAllocString(query);
  HRESULT com = CoInitializeEx(NULL, COINIT_MULTITHREADED);
  HRESULT hr = connect_to(name_space, &services);
  if (SUCCEEDED(hr))
    hr = IWbemServices_ExecQuery(services, language, text,
                                 WBEM_FLAG_FORWARD_ONLY | WBEM_FLAG_RETURN_IMMEDIATELY, NULL,
                                 &objects);
  if (SUCCEEDED(hr))
    win_com_blanket((IUnknown *)objects);
  if (SUCCEEDED(hr))
    hr = read_objects(t, objects, columns, count, first_field);
  if (objects != NULL)
    (void)IEnumWbemClassObject_Release(objects);
  if (services != NULL)
    (void)IWbemServices_Release(services);
  SysFreeString(text);
  SysFreeString(language);
  if (SUCCEEDED(com))
    CoUninitialize();
  return hr;
}
