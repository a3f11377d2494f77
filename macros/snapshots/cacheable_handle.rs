pub async fn get_user(id: u64, name: &str, trace: Trace) -> User {
    let __miss = {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        let __site = USERS::__site();
        let __here = USERS::__here();
        let __shape = (&&&&&__fastness_returns::<User>()).__shape();
        let __key = (__fastness_NoScope, (&__fastness_Arg(&id)).__part(), (&__fastness_Arg(name)).__part());
        if let ::core::option::Option::Some(__hit) = __site.hit(__fastness_None, __shape, __here, &__key) {
            return __hit;
        }
        __site.miss(
            __fastness_None,
            __shape,
            __here,
            &__key,
            &[],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&__fastness_Wired(__shape, ())).__wire()),
        )
    };
    ::fastness::__private::load(__miss, async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<User> {
            return __value;
        }
        { load(id, name, trace).await }
    })
    .await
}
#[doc = "The cache of `get_user`: reads and writes its entries without calling it."]
#[allow(non_camel_case_types)]
#[derive(:: core :: clone :: Clone, :: core :: marker :: Copy, :: core :: fmt :: Debug)]
pub struct USERS;
#[allow(dead_code, clippy::ptr_arg, clippy::pedantic)]
impl USERS {
    fn __site() -> &'static ::fastness::__private::Site {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        static __SITE: __fastness_Site = __fastness_Site::new(
            __fastness_Cacheable,
            "get_user",
            ::core::module_path!(),
            "user:<path>:{id}:{name}",
            &[__fastness_Lit("user:"), __fastness_Path, __fastness_Lit(":"), __fastness_Placeholder(0), __fastness_Lit(":"), __fastness_Placeholder(1)],
        );
        :: fastness :: __private :: register ! (site __SITE);
        &__SITE
    }
    fn __here() -> ::fastness::__private::Here {
        static __PLACE: ::fastness::__private::Instantiation = ::fastness::__private::Instantiation::named::<USERS>(
            ::core::concat!(::core::module_path!(), "::", "get_user"),
        );
        ::fastness::__private::Here::new(&__PLACE)
    }
    #[doc = r" The stored value, if there is one that may be served; never runs the function."]
    pub async fn get(&self, id: &u64, name: &str) -> ::core::option::Option<User> {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        let (__here, __shape) = (Self::__here(), (&&&&&__fastness_returns::<User>()).__shape());
        ::fastness::__private::handle_get(
            __fastness_None,
            Self::__site(),
            __here,
            __shape,
            &(__fastness_NoScope, (&__fastness_Arg(id)).__part(), (&__fastness_Arg(name)).__part()),
            &[],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&__fastness_Wired(__shape, ())).__wire()),
        )
        .await
    }
    #[doc = r" Stores a value as if the function had returned it."]
    pub async fn put(&self, id: &u64, name: &str, __value: User) {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        let (__here, __shape) = (Self::__here(), (&&&&&__fastness_returns::<User>()).__shape());
        ::fastness::__private::handle_put(
            __fastness_None,
            Self::__site(),
            __here,
            __shape,
            &(__fastness_NoScope, (&__fastness_Arg(id)).__part(), (&__fastness_Arg(name)).__part()),
            &[],
            ::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                .wire((&&__fastness_Wired(__shape, ())).__wire()),
            __value,
        )
        .await
    }
    #[doc = r" Makes sure that the stored value is not served again, and says how far that got."]
    pub async fn invalidate(&self, id: &u64, name: &str) -> ::fastness::__private::Reach {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        ::fastness::__private::handle_invalidate(
            __fastness_None,
            Self::__site(),
            Self::__here(),
            &(__fastness_NoScope, (&__fastness_Arg(id)).__part(), (&__fastness_Arg(name)).__part()),
        )
        .await
    }
    #[doc = r" Expires what is stored, and says how far that got: the next call runs the function, and until it has, `stale` decides"]
    #[doc = r" what others are served."]
    pub async fn refresh(&self, id: &u64, name: &str) -> ::fastness::__private::Reach {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        ::fastness::__private::handle_refresh(
            __fastness_None,
            Self::__site(),
            Self::__here(),
            &(__fastness_NoScope, (&__fastness_Arg(id)).__part(), (&__fastness_Arg(name)).__part()),
        )
        .await
    }
    #[doc = r" The key's text, in full."]
    #[must_use]
    pub fn key(&self, id: &u64, name: &str) -> ::std::string::String {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        ::fastness::__private::handle_key(
            Self::__site(),
            Self::__here(),
            &(__fastness_NoScope, (&__fastness_Arg(id)).__part(), (&__fastness_Arg(name)).__part()),
        )
    }
    #[doc(hidden)]
    pub fn __scope(&self, __scopes: &mut ::fastness::__private::Scopes, id: &u64, name: &str) {
        #[allow(unused_imports)]
        use ::fastness::__private::prelude::*;
        __scopes.add_site(Self::__site(), Self::__here(), &(__fastness_NoScope, (&__fastness_Arg(id)).__part(), (&__fastness_Arg(name)).__part()));
    }
}
